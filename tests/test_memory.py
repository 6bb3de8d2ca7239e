"""What bounds memory, and what it must not cost."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource
import numpy as np
from hlsmask.memory import bound
if {bounded}:
    bound()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(1 << 20, np.float32)
before = faults()
for _ in range(50):
    np.ones(1 << 20, np.float32)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in its own way")
def test_a_worker_of_dask_does_not_fetch_each_array_anew():
    def faults(*, bounded: bool) -> int:
        environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}  # as Dask's nanny starts its workers
        command = [sys.executable, "-c", _FAULTS.format(bounded=bounded)]
        return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    assert faults(bounded=True) < faults(bounded=False) / 5
