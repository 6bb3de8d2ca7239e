"""One pass gives what many would: scikit-learn, scipy and direct counting are the judges."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    jaccard_score,
    precision_recall_curve,
    precision_score,
    recall_score,
)

from hlsmask.errors import UsageError
from hlsmask.evaluation.bootstrap import Bootstrap
from hlsmask.evaluation.boundary import Boundary
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.histogram import BINS, EDGES, STEPS, Histogram, bins_of
from hlsmask.evaluation.thresholds import best_threshold, sweep, tells_apart, why_none
from hlsmask.evaluation.verdict import SCORES
from hlsmask.masks import NOT_OBSERVED, Mask

MASKS = (Mask.WATER, Mask.CLOUD)

near_edges = st.integers(0, STEPS).flatmap(
    lambda step: st.sampled_from(
        [EDGES[step], np.nextafter(EDGES[step], np.float32(-1)), np.nextafter(EDGES[step], np.float32(2))]
    )
)
probability = st.one_of(near_edges, st.floats(0, 1, width=32), st.just(np.nan), st.sampled_from([0.0, 1.0]))
pixels = st.lists(st.tuples(probability, st.sampled_from([0, 1, NOT_OBSERVED])), min_size=1, max_size=40)


def directly(probabilities, labels, threshold):
    """Count decisions as `predict` makes them."""
    said = (probabilities > np.float32(threshold)).astype(np.uint8)
    said[np.isnan(probabilities)] = NOT_OBSERVED
    return Confusion.of(said, labels)


def made(seed=0, shape=(2, 64, 64)):
    """Make probabilities that tell something of their labels, some of which are not known."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(shape) < 0.3).astype(np.uint8)
    chances = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0, 1).astype(np.float32)
    labels[rng.random(shape) < 0.1] = NOT_OBSERVED
    return chances, labels


@given(pixels, st.integers(0, STEPS))
def test_every_threshold_counts_as_direct_decisions_do(pairs, step):
    chances = np.array([[pair[0] for pair in pairs]], np.float32)
    labels = np.array([[pair[1] for pair in pairs]], np.uint8)
    histogram = Histogram.of([Mask.WATER], chances, labels)
    for threshold in (step / STEPS, 0.0, 0.1 * 3, 1.0):
        assert histogram.confusion(Mask.WATER, threshold) == directly(chances, labels, threshold)


def test_every_float_beside_an_edge_falls_on_its_side():
    beside = np.concatenate([EDGES, np.nextafter(EDGES, np.float32(-1)), np.nextafter(EDGES, np.float32(2))])
    wanted = np.searchsorted(EDGES, beside, side="left")
    np.testing.assert_array_equal(bins_of(beside), wanted)
    np.testing.assert_array_equal(bins_of(np.array([-0.5, 1.5, 70000], np.float32)), [0, BINS - 1, BINS - 1])


@given(st.integers(0, 50), st.integers(0, 200))
@settings(max_examples=20)
def test_histograms_add(seed, cut):
    chances, labels = made(seed, (2, 200))
    whole = Histogram.of(MASKS, chances, labels)
    parts = Histogram.of(MASKS, chances[:, :cut], labels[:, :cut]) + Histogram.of(
        MASKS, chances[:, cut:], labels[:, cut:]
    )
    np.testing.assert_array_equal(whole.positives, parts.positives)
    np.testing.assert_array_equal(whole.negatives, parts.negatives)


def test_a_histogram_refuses_what_it_cannot_tell():
    histogram = Histogram.empty(MASKS)
    for threshold in (0.00015, -0.1, 1.001, float("nan")):
        with pytest.raises(ValueError, match="no multiple"):
            histogram.confusion(Mask.WATER, threshold)
    with pytest.raises(ValueError, match="do not add"):
        histogram + Histogram.empty([Mask.WATER])
    with pytest.raises(ValueError, match="differ"):
        Histogram.of(MASKS, np.zeros((2, 3), np.float32), np.zeros((1, 3), np.uint8))
    with pytest.raises(ValueError, match="bins"):
        histogram.calibration(Mask.WATER, 0)


def test_curves_are_those_of_scikit_learn():
    chances, labels = made()
    chances = (np.ceil(chances * STEPS) / STEPS).astype(np.float32)  # then bins hold one value each
    histogram = Histogram.of(MASKS, chances, labels)
    for at, mask in enumerate(MASKS):
        known = labels[at] != NOT_OBSERVED
        truth, values = labels[at][known], chances[at][known]
        assert histogram.average_precision(mask) == pytest.approx(average_precision_score(truth, values), abs=1e-12)
        thresholds, precision, recall = histogram.curve(mask)
        theirs = {round(float(t), 4): (p, r) for p, r, t in zip(*precision_recall_curve(truth, values), strict=False)}
        for threshold, p, r in zip(thresholds, precision, recall, strict=True):
            above = round(float(threshold) + 1 / STEPS, 4)  # theirs takes what is at the threshold too
            if above in theirs:
                assert (p, r) == pytest.approx(theirs[above])
        mean, observed, count = histogram.calibration(mask)
        full = count > 0
        inner = np.clip(values - 1e-4, 0, 1)  # ours closes bins on the right, theirs on the left
        share, predicted = calibration_curve(truth, inner, n_bins=10)
        np.testing.assert_allclose(observed[full], share, atol=1e-12)
        np.testing.assert_allclose(mean[full], predicted, atol=6e-4)
        assert count.sum() == known.sum()
        gap = np.abs(observed - mean)[full] @ count[full] / count.sum()
        assert histogram.calibration_error(mask) == pytest.approx(gap)


def test_nothing_counted_gives_no_scores():
    empty = Histogram.of(MASKS, np.full((2, 5), np.nan, np.float32), np.ones((2, 5), np.uint8))
    assert empty.confusion(Mask.WATER, 0.5) == Confusion()
    assert np.isnan(empty.average_precision(Mask.WATER))
    assert np.isnan(empty.calibration_error(Mask.WATER))
    assert np.isnan(empty.calibration(Mask.WATER)[0]).all()
    assert best_threshold(empty, Mask.WATER, sweep()) is None


@pytest.mark.parametrize("step", [0.1, 0.05, 0.005])
def test_the_best_threshold_is_found_as_by_trying_each(step):
    chances, labels = made(3, (2, 900))
    histogram = Histogram.of(MASKS, chances, labels)
    for at, mask in enumerate(MASKS):
        known = labels[at] != NOT_OBSERVED
        tried = np.arange(round(1 / step) + 1) * step
        scores = [
            f1_score(labels[at][known], chances[at][known] > np.float32(round(t, 3)), zero_division=0) for t in tried
        ]
        assert best_threshold(histogram, mask, sweep(step)) == pytest.approx(tried[int(np.argmax(scores))])


def test_of_thresholds_that_tie_the_lowest_wins():
    chances = np.array([[0.05, 0.95]], np.float32)
    histogram = Histogram.of([Mask.WATER], chances, np.array([[0, 1]], np.uint8))
    assert best_threshold(histogram, Mask.WATER, sweep()) == 0.1
    never = Histogram.of([Mask.WATER], np.zeros((1, 2), np.float32), np.array([[0, 1]], np.uint8))
    assert best_threshold(never, Mask.WATER, sweep()) is None


def test_a_threshold_that_tells_nothing_apart_is_not_chosen():
    chances = np.array([[0.2, 0.2, 0.7, 0.7]], np.float32)
    for labels, why in (
        ([255] * 4, "no pixel of validation is labelled for water"),
        ([0, 0, 0, 0], "no positive pixel of water"),
        ([1, 0, 0, 1], r"the best threshold of water in validation, 0, is no better"),
        ([1, 1, 1, 1], "the best threshold of water in validation, 0, is no better"),
    ):
        histogram = Histogram.of([Mask.WATER], chances, np.array([labels], np.uint8))
        found = why_none(histogram, Mask.WATER, sweep())
        assert found is not None
        assert found.startswith(why)
    never = Histogram.of([Mask.WATER], chances * 0, np.array([[0, 0, 1, 1]], np.uint8))
    assert why_none(never, Mask.WATER, sweep()) == "water is found at no threshold in validation"
    good = Histogram.of([Mask.WATER], chances, np.array([[0, 0, 0, 1]], np.uint8))
    assert why_none(good, Mask.WATER, sweep()) is None
    assert tells_apart(good, Mask.WATER, 0.2)
    many = np.full((1, 1000), 0.9, np.float32)
    many[0, :5] = 0  # what rejects five of 900 says it nearly everywhere, though its F1 is higher than that of all
    nearly = Histogram.of([Mask.WATER], many, (np.arange(1000) >= 900).astype(np.uint8)[None])
    assert not tells_apart(nearly, Mask.WATER, 0)


def test_a_sweep_has_both_ends_where_they_fit():
    assert sweep() == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    assert len(sweep(0.001)) == 1001
    for step in (0, 0.6, -0.1, 0.0005, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="--threshold-step"):
            sweep(step)


# ---------------------------------------------------------------- outlines


def outline_by_distance(mask, known):
    """Return the outline of a mask, pixel by pixel."""
    height, width = mask.shape
    outline = np.zeros(mask.shape, bool)
    for row, col in zip(*np.nonzero((mask == 1) & known), strict=True):
        for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
            if 0 <= r < height and 0 <= c < width and known[r, c] and mask[r, c] == 0:
                outline[row, col] = True
    return outline


@pytest.mark.parametrize("seed", range(6))
def test_outlines_within_two_pixels(seed):
    rng = np.random.default_rng(seed)
    said, truth = (np.kron(rng.random((6, 6)) < 0.4, np.ones((4, 4))).astype(np.uint8) for _ in range(2))
    said = np.roll(truth, seed, 1) if seed % 2 else said
    truth[rng.random(truth.shape) < 0.05] = NOT_OBSERVED
    said[:3] = NOT_OBSERVED
    known = (said != NOT_OBSERVED) & (truth != NOT_OBSERVED)
    a, b = outline_by_distance(said, known), outline_by_distance(truth, known)
    near_a, near_b = (distance_transform_edt(~each) <= 2 for each in (a, b))
    found = Boundary.of(said, truth)
    assert asdict(found) == {"said": a.sum(), "met": (a & near_b).sum(), "true": b.sum(), "found": (b & near_a).sum()}
    precision, recall = (a & near_b).sum() / a.sum(), (b & near_a).sum() / b.sum()
    assert found.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_outlines_that_are_not_there():
    empty, full = np.zeros((9, 9), np.uint8), np.ones((9, 9), np.uint8)
    square = empty.copy()
    square[3:6, 3:6] = 1
    assert np.isnan(Boundary.of(empty, full).f1)  # the edge of a sample is no outline
    assert Boundary.of(square, empty) == Boundary(8, 0, 0, 0)
    assert Boundary.of(square, empty).f1 == 0
    assert Boundary.of(square, square).f1 == 1
    beside = np.where(square == 1, square, NOT_OBSERVED).astype(np.uint8)
    assert Boundary.of(beside, square) == Boundary()  # beside what is not known there is none
    assert Boundary.of(square, empty) + Boundary.of(empty, square) == Boundary(8, 0, 8, 0)


# ---------------------------------------------------------------- intervals


def some_counts(seed, samples):
    rng = np.random.default_rng(seed)
    return [
        Confusion.of((rng.random(400) < 0.5).astype(np.uint8), (rng.random(400) < rng.random()).astype(np.uint8))
        for _ in range(samples)
    ]


def test_intervals_are_those_of_drawing_with_replacement():
    counts = some_counts(0, 200)
    ours = Bootstrap([Mask.WATER], 2000)
    for number, each in enumerate(counts):
        ours.add(number, {Mask.WATER: each})
    rng = np.random.default_rng(1)
    for name, (low, high) in ours.intervals(SCORES)[Mask.WATER].items():
        drawn = [
            getattr(sum((counts[at] for at in rng.integers(0, 200, 200)), start=Confusion()), name) for _ in range(600)
        ]
        width = np.subtract(*np.percentile(drawn, [97.5, 2.5]))
        assert (low, high) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.15 * width)
        assert low < getattr(sum(counts, start=Confusion()), name) < high


def test_scores_of_draws_are_those_of_counts():
    one = Bootstrap([Mask.WATER], 500)
    same = Confusion(5, 3, 2, 11)
    for number in range(2):
        one.add(number, {Mask.WATER: same})
    for name, ends in one.intervals(SCORES)[Mask.WATER].items():  # samples that are alike leave no doubt
        assert ends == pytest.approx((getattr(same, name),) * 2)


def test_too_little_gives_no_interval():
    bootstrap = Bootstrap(MASKS, 500)
    bootstrap.add(0, {Mask.WATER: Confusion(1, 2, 3, 4), Mask.CLOUD: Confusion()})
    assert np.isnan(bootstrap.intervals(["f1"])[Mask.WATER]["f1"]).all()
    bootstrap.add(1, {Mask.WATER: Confusion(1, 2, 3, 4), Mask.CLOUD: Confusion()})
    assert not np.isnan(bootstrap.intervals(["f1"])[Mask.WATER]["f1"]).any()
    assert np.isnan(bootstrap.intervals(["f1"])[Mask.CLOUD]["f1"]).all()


def test_draws_depend_on_seed_and_number_alone():
    counts = some_counts(2, 9)
    found = []
    for order in (range(9), reversed(range(9))):
        bootstrap = Bootstrap([Mask.WATER], 500)
        for number in order:
            bootstrap.add(number, {Mask.WATER: counts[number]})
        found.append(bootstrap.intervals(SCORES))
    assert found[0] == found[1]
    other = Bootstrap([Mask.WATER], 500, seed=1)
    for number, each in enumerate(counts):
        other.add(number, {Mask.WATER: each})
    assert other.intervals(SCORES) != found[0]


def test_scores_of_a_threshold_are_those_of_scikit_learn():
    chances, labels = made(7)
    known = labels[0] != NOT_OBSERVED
    truth, said = labels[0][known], chances[0][known] > np.float32(0.4)
    counts = Histogram.of(MASKS, chances, labels).confusion(Mask.WATER, 0.4)
    assert counts.f1 == pytest.approx(f1_score(truth, said))
    assert counts.precision == pytest.approx(precision_score(truth, said))
    assert counts.recall == pytest.approx(recall_score(truth, said))
    assert counts.iou == pytest.approx(jaccard_score(truth, said))
