"""One process at a time makes a result, and a stop at any step leaves no claim behind."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys

import pytest

from hlsmask.errors import OutputError
from hlsmask.products.claim import claim

_CALLS = ((os, "open"), (os, "stat"), (os, "fstat"), (os, "close"), (os, "unlink"), (fcntl, "flock"))
"""What a claim asks of the system: a signal is heeded as soon as one of these returns."""


@pytest.mark.parametrize("nth", range(20))
def test_a_stop_after_any_step_leaves_nothing(tmp_path, monkeypatch, nth):
    called = 0

    def stopping(call):
        def step(*arguments, **options):
            nonlocal called
            result = call(*arguments, **options)
            called += 1
            if called == nth + 1:
                raise KeyboardInterrupt
            return result

        return step

    made = False
    with monkeypatch.context() as patch:
        for module, name in _CALLS:
            patch.setattr(module, name, stopping(getattr(module, name)))
        try:
            with claim(tmp_path, "scene"):
                made = True
        except KeyboardInterrupt:
            assert called > nth
        else:
            assert made
            assert called <= nth
    assert list(tmp_path.iterdir()) == []
    with claim(tmp_path, "scene"):  # nothing holds it any more
        assert [path.name for path in tmp_path.iterdir()] == [".scene.claim"]


def test_who_waits_goes_on_when_the_other_is_done(tmp_path):
    waiting = (
        "import sys; from pathlib import Path; from hlsmask.products.claim import claim\n"
        "print('asked', flush=True)\n"
        "with claim(Path(sys.argv[1]), 'scene'): print('held')\n"
    )
    hasty = (
        "import fcntl, sys\n"
        "try: fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(7)\n"
    )
    with claim(tmp_path, "scene"):
        other = subprocess.Popen([sys.executable, "-c", waiting, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert other.stdout.readline() == "asked\n"
        refused = subprocess.run([sys.executable, "-c", hasty, str(tmp_path / ".scene.claim")], check=False)
        assert refused.returncode == 7
        with claim(tmp_path, "another"):  # another result is nobody's
            pass
    out, _ = other.communicate(timeout=60)
    assert out == "held\n"
    assert other.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_not_taken_away_from_who_holds_it(tmp_path, monkeypatch):
    with claim(tmp_path, "scene"):
        flock = fcntl.flock

        def refused(handle, how):  # as one that is stopped while it waits
            if not how & fcntl.LOCK_NB:
                raise KeyboardInterrupt
            flock(handle, how)

        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "flock", refused)
            with pytest.raises(KeyboardInterrupt):
                claim(tmp_path, "scene").__enter__()
        assert [path.name for path in tmp_path.iterdir()] == [".scene.claim"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="scene cannot be written"), claim(tmp_path / "file", "scene"):
        pass
