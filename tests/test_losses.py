"""Losses count what is known, agree with other people's, and add over batches."""

from __future__ import annotations

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.training.kinds import LOSSES, parts_of
from hlsmask.training.losses import MaskLoss, largest_near
from hlsmask.training.weighting import weighting

each = pytest.mark.parametrize("kind", [*LOSSES, "bce+dice", "+".join(LOSSES)])


def drawn(seed: int = 0, *, n: int = 3, masks: int = 2, size: int = 13, unknown: float = 0.3, dtype=torch.float64):
    """Return logits and labels; about a share of `unknown` is not known."""
    chance = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, masks, size, size + 2, generator=chance, dtype=torch.float64) * 3
    labels = (torch.rand(logits.shape, generator=chance) < 0.4).to(torch.uint8)
    labels[torch.rand(logits.shape, generator=chance) < unknown] = 255
    return logits.to(dtype), labels


def mean(kind: str, logits: torch.Tensor, labels: torch.Tensor, **options: float | None) -> torch.Tensor:
    """Return the loss of each mask."""
    total, weight = MaskLoss(kind, **options)(logits, labels)
    assert total.shape == weight.shape == (1, logits.shape[1])
    return (total / weight)[0]


def judged(judge, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return what `judge` makes of the known pixels of each mask."""
    known = [labels[:, mask] != 255 for mask in range(labels.shape[1])]
    return torch.stack([judge(logits[:, m][k], labels[:, m][k].to(logits)) for m, k in enumerate(known)])


def test_bce_is_that_of_torch_over_known_pixels():
    logits, labels = drawn()
    wanted = judged(functional.binary_cross_entropy_with_logits, logits, labels)
    torch.testing.assert_close(mean("bce", logits, labels), wanted)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (2.0, None), (0.5, 0.25), (0.0, None)])
def test_focal_is_that_of_segmentation_models(gamma, alpha):
    logits, labels = drawn()
    wanted = judged(smp.losses.FocalLoss("binary", gamma=gamma, alpha=alpha), logits, labels)
    torch.testing.assert_close(mean("focal", logits, labels, gamma=gamma, alpha=alpha), wanted)


@pytest.mark.parametrize(
    ("kind", "smooth", "judge"),
    [
        ("dice", 1e-9, smp.losses.DiceLoss("binary", ignore_index=255)),
        ("dice", 1.0, smp.losses.TverskyLoss("binary", smooth=1.0, ignore_index=255, alpha=0.5, beta=0.5)),
        ("tversky", 1.0, smp.losses.TverskyLoss("binary", smooth=1.0, ignore_index=255, alpha=0.3, beta=0.7)),
    ],
)
def test_dice_and_tversky_of_each_sample_are_those_of_segmentation_models(kind, smooth, judge):
    logits, labels = drawn()
    wanted = [[judge(logits[n, m][None, None], labels[n, m][None, None].long()) for m in range(2)] for n in range(3)]
    torch.testing.assert_close(mean(kind, logits, labels, smooth=smooth), torch.tensor(wanted).double().mean(0))


@pytest.mark.parametrize("kind", ["dice", "tversky"])
def test_finding_nothing_where_nothing_is_costs_nothing(kind):
    labels = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    assert float(mean(kind, torch.full(labels.shape, -20.0), labels)) < 1e-5
    assert float(mean(kind, torch.full(labels.shape, 20.0), labels)) > 0.9


def published(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the adaptive max-pool loss of (n, h, w) as its formula says, pixel by pixel."""
    p = np.clip(1 / (1 + np.exp(-logits)), 1e-7, 1 - 1e-7)
    known = labels != 255
    y = np.where(known, labels, 0)
    loss = (-0.25 * y * np.log(p) - 0.75 * (1 - y) * np.log(1 - p)) * known
    around = np.pad(loss, ((0, 0), (3, 4), (3, 4)))
    n, h, w = loss.shape
    top = [[[around[k, i : i + 8, j : j + 8].max() for j in range(w)] for i in range(h)] for k in range(n)]
    return float((loss * np.array(top)).sum() / known.sum())


@pytest.mark.parametrize("spread", [1.0, 12.0])
def test_adaptive_maxpool_is_its_published_formula_clipped_too(spread):
    logits, labels = drawn()
    wanted = [published((spread * logits[:, m]).numpy(), labels[:, m].numpy()) for m in range(2)]
    got = mean("adaptive_maxpool", spread * logits, labels)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9)
    single = mean("adaptive_maxpool", spread * logits.float(), labels)
    np.testing.assert_allclose(single.numpy(), wanted, rtol=1e-5)


@given(st.tuples(*[st.integers(1, most) for most in (3, 2, 12, 12)]), st.integers(1, 6), st.integers(0, 999))
def test_the_largest_near_and_its_gradient_are_those_of_torch(shape, most, seed):
    chance = torch.Generator().manual_seed(seed)
    mine = torch.randint(1, most + 1, shape, generator=chance).double().requires_grad_()  # few values: many are equal
    pulls = torch.randint(-9, 9, shape, generator=chance).double()
    theirs = mine.detach().clone().requires_grad_()
    got, wanted = largest_near(mine), functional.max_pool2d(functional.pad(theirs, (3, 4, 3, 4)), 8, 1)
    got.backward(pulls)
    wanted.backward(pulls)
    assert torch.equal(got, wanted)
    assert torch.equal(mine.grad, theirs.grad)


@each
def test_gradients_are_right(kind):
    logits, labels = drawn(n=2, masks=1, size=4)
    loss = MaskLoss(kind)
    assert torch.autograd.gradcheck(lambda values: loss(values, labels)[0], logits.requires_grad_())


@each
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 4), unknown=st.sampled_from([0.0, 0.5, 0.97, 1.0]))
def test_losses_of_two_batches_add_up_to_that_of_both(kind, seed, cut, unknown):
    logits, labels = drawn(seed, n=4, size=5, unknown=unknown)
    loss = MaskLoss(kind)
    whole = torch.stack(loss(logits, labels))
    halves = [torch.stack(loss(logits[part], labels[part])) for part in (slice(cut), slice(cut, None))]
    torch.testing.assert_close(halves[0] + halves[1], whole)
    assert (whole[1] > 0).tolist() == [[bool((labels[:, m] != 255).any()) for m in range(2)]] * len(loss.parts)


@each
def test_pixels_that_are_not_known_have_no_influence(kind):
    logits, labels = drawn(dtype=torch.float32)
    unknown = labels == 255
    loss = MaskLoss(kind)
    results = []
    for filling in (0.0, 1e4, float("nan"), float("-inf")):
        changed = torch.where(unknown, filling, logits).requires_grad_()
        total, weight = loss(changed, labels)
        (total / weight).sum().backward()
        assert not changed.grad[unknown].any()
        assert changed.grad[~unknown].any()
        results.append((total.detach(), weight, changed.grad))
    assert all(torch.equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))


@each
@pytest.mark.parametrize("n", [0, 2])
def test_nothing_known_is_nothing(kind, n):
    logits = torch.randn(n, 2, 9, 9, requires_grad=True)
    labels = torch.full(logits.shape, 255, dtype=torch.uint8)
    total, weight = MaskLoss(kind)(logits, labels)
    total.sum().backward()
    assert not total.any()
    assert not weight.any()
    assert not logits.grad.any()


@each
def test_a_mask_of_which_nothing_is_known_leaves_the_others_alone(kind):
    logits, labels = drawn()
    labels[:, 1] = 255
    total, weight = MaskLoss(kind)(logits, labels)
    assert not total[:, 1].any()
    assert not weight[:, 1].any()
    torch.testing.assert_close(total[:, :1], MaskLoss(kind)(logits[:, :1], labels[:, :1])[0])


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_logits_far_out_give_numbers_in_single_precision(kind, dtype):
    _, labels = drawn()
    for size in (-1e4, 1e4):
        logits = torch.full(labels.shape, size, dtype=dtype, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16):
            total, weight = MaskLoss(kind, gamma=0.5)(logits, labels)
        (total / weight).sum().backward()
        assert total.dtype == weight.dtype == torch.float32
        assert total.isfinite().all()
        assert logits.grad.isfinite().all()


def test_a_network_that_has_left_the_numbers_is_not_hidden():
    logits, labels = drawn(unknown=0)
    logits[0, 0, 0, 0] = torch.nan
    for kind in LOSSES:
        assert MaskLoss(kind)(logits, labels)[0][0, 0].isnan()


def test_joined_losses_are_each_part_in_its_order():
    logits, labels = drawn()
    both = torch.stack(MaskLoss("dice+bce")(logits, labels))
    apart = [torch.stack(MaskLoss(kind)(logits, labels)) for kind in ("dice", "bce")]
    assert torch.equal(both, torch.cat(apart, dim=1))


def test_names_of_losses_are_read():
    assert parts_of("bce") == ("bce",)
    assert parts_of("BCE + dice") == ("bce", "dice")
    for wrong in ("", "bce+", "hinge", "bce+hinge"):
        with pytest.raises(UsageError, match="use bce, adaptive_maxpool, dice, focal, tversky"):
            parts_of(wrong)
    with pytest.raises(UsageError, match="twice"):
        parts_of("bce+dice+bce")


@pytest.mark.parametrize(
    "wrong", [{"gamma": -1}, {"alpha": 1.5}, {"smooth": 0}, {"false_negatives": float("nan")}, {"false_positives": -1}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        MaskLoss("bce", **wrong)


def test_labels_of_another_shape_are_refused():
    logits, labels = drawn()
    with pytest.raises(ValueError, match="must both be"):
        MaskLoss()(logits, labels[:, :1])


MASKS = (Mask.WATER, Mask.CLOUD, Mask.SNOW_ICE)
LOSS_OF_EACH = torch.tensor([1.0, 2.0, 4.0])


def test_uniform_is_the_sum_and_fixed_weighs_it():
    known = torch.tensor([True, True, True])
    assert float(weighting("uniform", MASKS)(LOSS_OF_EACH, known)) == 7
    fixed = weighting("fixed", MASKS, {Mask.CLOUD: 3, Mask.SNOW_ICE: 0})
    assert float(fixed(LOSS_OF_EACH, known)) == 7
    assert fixed.current() == {Mask.WATER: 1, Mask.CLOUD: 3, Mask.SNOW_ICE: 0}
    assert not fixed.state_dict()


@pytest.mark.parametrize("kind", ["uniform", "fixed", "uncertainty"])
def test_a_mask_that_is_not_known_adds_nothing(kind):
    weigh = weighting(kind, MASKS, {Mask.CLOUD: 3} if kind == "fixed" else None)
    wanted = {"uniform": 5.0, "fixed": 5.0, "uncertainty": 5.0}[kind]
    losses = torch.tensor([1.0, torch.nan, 4.0])
    known = torch.tensor([True, False, True])
    assert float(weigh(losses, known).detach()) == wanted
    nothing = weigh(losses, torch.zeros(3, dtype=torch.bool))
    assert float(nothing.detach()) == 0


@pytest.mark.parametrize("kind", ["uncertainty", "uncert"])
def test_uncertainty_learns_the_weights_that_its_formula_has(kind):
    """With fixed losses the least sum is at exp(-s) = 1 / (2 loss)."""
    weigh = weighting(kind, MASKS)
    assert weigh.current() == dict.fromkeys(MASKS, 1.0)
    known = torch.tensor([True, True, False])
    steps = torch.optim.Adam(weigh.parameters(), lr=0.05)
    for _ in range(400):
        steps.zero_grad()
        weigh(LOSS_OF_EACH, known).backward()
        steps.step()
    assert list(weigh.current().values()) == pytest.approx([0.5, 0.25, 1.0], rel=1e-3)
    assert float(weigh(LOSS_OF_EACH, known).detach()) == pytest.approx(1 + np.log(2) / 2 + np.log(4) / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "weights", "said"),
    [
        ("gradnorm", None, "use uniform, fixed, uncertainty"),
        ("fixed", None, "none is given"),
        ("uniform", {Mask.WATER: 2}, "use fixed"),
        ("uncertainty", {Mask.WATER: 2}, "use fixed"),
        ("fixed", {Mask.TERRAIN_SHADOW: 2}, "terrain_shadow"),
        ("fixed", {Mask.WATER: -1}, "water -1"),
        ("fixed", {Mask.WATER: float("nan")}, "water nan"),
        ("fixed", dict.fromkeys(MASKS, 0), "nothing is learned"),
    ],
)
def test_weights_that_do_not_fit_are_refused(kind, weights, said):
    with pytest.raises(UsageError, match=said):
        weighting(kind, MASKS, weights)
