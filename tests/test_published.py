"""Published checkpoints: what the original gives, ours gives, number for number."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import reference
from heavy import slowly
from hlsmask import models
from hlsmask.errors import ModelError, UsageError
from hlsmask.masks import PUBLISHED_NAMES, Mask
from hlsmask.models.registry import NETWORKS

ITS_NAME = {mask: name for name, mask in PUBLISHED_NAMES.items()}


@pytest.fixture
def small() -> dict[str, torch.Tensor]:
    return reference.tensors("mobilenetv3")


UNPOOLED = "segnet"
"""Takes the place of a maximum: where two values differ by a rounding error, another is taken, and processors round
differently. Of its 1024 values a mask, up to 5 are then off, by up to 4e-4; in float64, 5 are, by up to 2.3e-3."""


LARGEST = "satlas_si_swinb"
"""Three times satlas_si_swint, and the same code but for its widths: a proof for `make test-all`."""


@pytest.mark.parametrize("pair", slowly(reference.PAIRS, {LARGEST}))
def test_number_for_number(pair, tmp_path):
    filled = reference.tensors(pair)
    plain = reference.write(tmp_path / "plain.pth.tar", filled)
    prefixed = reference.write(tmp_path / "prefixed.pth.tar", filled, "module.")
    del filled

    net = models.import_published(plain)
    with torch.inference_mode():
        given = net(reference.bands()).sigmoid()[0, :, ::16, ::16].numpy()

    assert (net.card.backbone, net.card.head) == (pair, NETWORKS[pair].head)
    assert net.card.normalization.kind == "published"
    expected = reference.outputs(pair)
    for mask, probabilities in zip(Mask, given, strict=True):
        theirs = expected[ITS_NAME[mask]]
        if mask is Mask.TERRAIN_SHADOW:
            theirs = 1 - theirs
        if pair == UNPOOLED:
            near = np.isclose(probabilities, theirs, rtol=0, atol=1e-5)
            assert near.mean() > 0.99, mask
        atol = 5e-3 if pair == UNPOOLED else 1e-5
        np.testing.assert_allclose(probabilities, theirs, rtol=0, atol=atol, err_msg=f"{pair}: {mask}")

    again = models.import_published(prefixed, pair, NETWORKS[pair].head).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in net.state_dict().items())


def test_every_published_pair_is_registered():
    assert {name for name, network in NETWORKS.items() if network.published} == set(reference.PAIRS)


def test_the_card_says_where_it_comes_from(small, tmp_path):
    path = reference.write(tmp_path / "x_best.pth.tar", small)
    card = models.load(path).card
    assert card.definitions == {Mask.TERRAIN_SHADOW: "shad"}
    assert card.provenance["published"] == "x_best.pth.tar"
    assert card.provenance["epoch"] == 46
    assert card.provenance["best_performance"] == pytest.approx(0.21422843)
    assert "not stated" in card.provenance["licence"]
    assert len(card.provenance["sha256"]) == 64


def test_prithvi_says_that_its_heads_were_trained_on_shuffled_tokens():
    assert "shuffles" in NETWORKS["prithvi"].note


def test_fewer_masks(small, tmp_path):
    both = models.load(reference.write(tmp_path / "all.pth.tar", small))
    water_and_sun = {
        name: tensor for name, tensor in small.items() if not name.startswith(("decoders.cloud", "decoders.snow"))
    }
    two = models.load(reference.write(tmp_path / "two.pth.tar", water_and_sun))
    assert two.card.masks == (Mask.WATER, Mask.TERRAIN_SHADOW)
    bands = torch.rand(1, 6, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(two(bands), both(bands)[:, [0, 4]])


def test_tensors_that_do_not_fit_are_listed(small, tmp_path):
    del small["backbone.convs2.weight"], small["decoders.cloud_mask.pred_task.1.bias"]
    small["backbone.convs3.weight"] = torch.zeros(1)
    small["decoders.water_mask.pred_task.1.weight"] = torch.zeros(1, 64, 1, 1)
    path = reference.write(tmp_path / "odd.pth.tar", small)
    with pytest.raises(ModelError) as caught:
        models.import_published(path)
    message = str(caught.value)
    assert str(path) in message
    assert "2 missing" in message
    assert "backbone.convs2.weight" in message
    assert "decoders.cloud_mask.pred_task.1.bias" in message
    assert "1 extra (backbone.convs3.weight)" in message
    assert "decoders.water_mask.pred_task.1.weight (1, 64, 1, 1) instead of (1, 128, 1, 1)" in message


def test_another_pair_than_named(small, tmp_path):
    path = reference.write(tmp_path / "m.pth.tar", small)
    with pytest.raises(ModelError, match=r"does not fit segnet: tensors \d+ missing"):
        models.import_published(path, "segnet")
    with pytest.raises(UsageError, match=r"the head of segnet is segnet_head"):
        models.import_published(path, "segnet", "satlas_head")


def test_a_network_that_was_never_published(small, tmp_path):
    path = reference.write(tmp_path / "m.pth.tar", small)
    with pytest.raises(ModelError, match="no published checkpoints of hlsmask_s"):
        models.import_published(path, "hlsmask_s")


def test_a_network_that_cannot_be_told(tmp_path):
    path = reference.write(tmp_path / "u.pth.tar", {"encoder.weight": torch.zeros(3)})
    with pytest.raises(ModelError, match="name one with --backbone: mobilenetv3"):
        models.import_published(path)


def test_a_checkpoint_of_a_single_task(small, tmp_path):
    single = {
        name.replace("decoders.water_mask.", "decoder."): tensor
        for name, tensor in small.items()
        if not name.startswith("decoders.") or "water" in name
    }
    with pytest.raises(ModelError, match=r"has no heads: no tensor is called decoders\.<mask>"):
        models.import_published(reference.write(tmp_path / "s.pth.tar", single))


class Hostile:
    """Unpickling this would run a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("place", ["epoch", "state_dict", "optimizer"])
def test_a_file_that_tries_to_run_code_is_refused(place, tmp_path):
    mark = tmp_path / "ran"
    path = tmp_path / "hostile.pth.tar"
    torch.save({"epoch": 1, "state_dict": {}, "optimizer": {}, place: Hostile(f"touch {mark}")}, path)
    with pytest.raises(ModelError, match=r"is refused: .* \(posix\.system\), which could run code"):
        models.load(path)
    assert not mark.exists()


def test_a_file_that_is_cut_off(small, tmp_path):
    path = reference.write(tmp_path / "cut.pth.tar", small)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"cut\.pth\.tar is cut off or no checkpoint"):
        models.load(path)


@pytest.mark.parametrize("content", [[1, 2], {"weights": 3}, {"state_dict": {"a": 1}}])
def test_a_file_of_something_else(content, tmp_path):
    path = tmp_path / "other.pth.tar"
    torch.save(content, path)
    with pytest.raises(ModelError, match="has no state_dict of tensors"):
        models.load(path)


def test_a_file_that_is_not_there():
    with pytest.raises(ModelError, match=r"nowhere\.pth\.tar cannot be read: No such file"):
        models.load(Path("nowhere.pth.tar"))
