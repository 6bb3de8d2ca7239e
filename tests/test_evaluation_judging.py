"""Every pixel is judged once, by every contender, as it would be judged alone."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from sklearn.metrics import confusion_matrix

from hlsmask.bands import HLS_FILL
from hlsmask.card import Card, Normalization
from hlsmask.errors import CardError, DatasetError, MissingPackageError, SampleError, UsageError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.contenders import limited, open_contender
from hlsmask.evaluation.gallery import KEPT, Gallery
from hlsmask.evaluation.judging import judge, survey
from hlsmask.evaluation.layers import Fmask
from hlsmask.evaluation.network import open_network, stem_of
from hlsmask.evaluation.seen import Feed, Seen
from hlsmask.granules.fmask import decode
from hlsmask.inference.spectral import Spectral
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples import HeldSamples
from hlsmask.samples.sample import Record, Sample

PLAIN = Card("tiny", tuple(Mask), output="probabilities", size=64, overlap=32, multiple=8)


def make_sample(number, side=72, *, sensor="S30", fill=True, fmask=True):
    """Make a sample whose labels have something to do with its bands."""
    rng = np.random.default_rng(number)
    field = np.kron(rng.random((6, side // 8 + 1, side // 8 + 1)), np.ones((8, 8)))[:, :side, :side]
    bands = (field * 9000 + rng.random(field.shape) * 900).astype(np.int16)
    labels = (bands[1] > np.array([3000, 4500, 6000, 7500, 2000])[:, None, None]).astype(np.uint8)
    labels[:, 5] = NOT_OBSERVED
    if fill:
        bands[:, : side // 3, : side // 4] = HLS_FILL
    quality = (rng.integers(0, 2, (side, side)) << 5 | rng.integers(0, 2, (side, side)) << 1).astype(np.uint8)
    record = Record(f"sample-{number}", side, "test", sensor=sensor)
    return Sample.of(record, bands, labels, quality if fmask else None)


def directly(path, sample):
    """Return the probabilities (5, h, w) that the green-averaging network gives for a whole sample."""
    bands = np.nan_to_num(Seen.of(0, sample).bands)
    session = onnxruntime.InferenceSession(str(path))
    return session.run(None, {"bands": bands[None]})[0][0]


def wanted(chances, labels, threshold):
    """Return (tn, fp, fn, tp) of the pixels that are known, by scikit-learn."""
    known = labels != NOT_OBSERVED
    said = chances[known] > np.float32(threshold)
    return tuple(confusion_matrix(labels[known], said, labels=[0, 1]).ravel())


def counted(chances, labels, threshold):
    """Return the same as `Confusion`."""
    quiet, alarms, misses, hits = wanted(chances, labels, threshold)
    return Confusion(int(hits), int(alarms), int(misses), int(quiet))


def four(counts):
    return counts.quiet, counts.false_alarms, counts.misses, counts.hits


@pytest.mark.parametrize("batch_size", [1, 4, 12])
def test_one_pass_counts_what_each_sample_counts_alone(make_network, batch_size):
    path = make_network(replace(PLAIN, thresholds={Mask.WATER: 0.3, Mask.TERRAIN_SHADOW: 0.7}))
    sides = (64, 72, 64, 80, 72)
    samples = [make_sample(at, side, sensor="L30" if at % 2 else "S30") for at, side in enumerate(sides)]
    [verdict] = judge(Feed(HeldSamples(samples), batch_size=batch_size), [open_network(path, batch_size=batch_size)])
    chances = [directly(path, sample) for sample in samples]
    for at, mask in enumerate(Mask):
        each = [wanted(p[at], s.labels[at], PLAIN.thresholds.get(mask, verdict.thresholds[mask])) for p, s in
                zip(chances, samples, strict=True)]  # fmt: skip
        assert four(verdict.counts[mask]) == tuple(np.sum(each, axis=0))
        assert four(verdict.sensors["L30"][mask]) == tuple(np.sum(each[1::2], axis=0))
        assert verdict.histogram.confusion(mask, verdict.thresholds[mask]) == verdict.counts[mask]
    assert verdict.samples == 5
    assert verdict.thresholds[Mask.WATER] == 0.3
    terrain = [1 - p[4] for p in chances]
    sunlit = [np.where(s.labels[4] == 255, 255, 1 - s.labels[4]) for s in samples]
    lit = np.sum([wanted(p, s, 1 - 0.7) for p, s in zip(terrain, sunlit, strict=True)], axis=0)
    assert four(verdict.sunlit) == tuple(lit)


def test_between_masks_and_samples_to_look_at(make_network):
    path = make_network(PLAIN)
    samples = [make_sample(at) for at in range(10)]
    [verdict] = judge(Feed(HeldSamples(samples)), [open_network(path)])
    between, there = np.zeros((6, 6), int), np.zeros(6, int)
    for sample in samples:
        said = (directly(path, sample) > np.float32(0.5)).astype(int)
        said[:, ~sample.valid] = NOT_OBSERVED
        rows, cols = (
            np.concatenate([planes == 1, (planes == 0).all(axis=0)[None]]) for planes in (sample.labels, said)
        )
        between += np.einsum("ahw,bhw->ab", rows.astype(int), cols.astype(int))
        there += (rows & sample.valid).sum(axis=(1, 2))
    np.testing.assert_array_equal(verdict.between, between)
    np.testing.assert_array_equal(verdict.rows, there)  # a pixel that is said to be two things counts once
    assert [shown.id for shown in verdict.shown] == [f"sample-{at}" for at in (0, 2, 4, 5, 7, 9)]
    errors = [shown.error for shown in verdict.worst]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == KEPT
    assert (verdict.shown[0].said[:, ~samples[0].valid] == NOT_OBSERVED).all()


@pytest.mark.parametrize(
    ("card", "side"),
    [
        (replace(PLAIN, size=64, fixed=True), 150),
        (replace(PLAIN, size=96, fixed=True), 72),
        (replace(PLAIN, size=96, multiple=32), 72),
        (replace(PLAIN, multiple=64), 1030),
    ],
)
def test_every_pixel_is_judged_once_whatever_the_network_takes(make_network, card, side):
    weight = np.zeros((5, 6, 1, 1), np.float32)  # a pixel's own green: as one window would give it
    weight[:, 1] = 1
    network = open_network(make_network(card, weight=weight))
    sample = make_sample(1, side, fill=False)
    [given] = network([Seen.of(0, sample)])
    np.testing.assert_array_equal(given[2], Seen.of(0, sample).bands[1])
    [verdict] = judge(Feed(HeldSamples([sample])), [network])
    assert verdict.counts[Mask.WATER].count == (sample.labels[0] != NOT_OBSERVED).sum()


def test_windows_are_of_the_size_that_a_network_takes(make_network):
    network = open_network(make_network(replace(PLAIN, size=64, fixed=True)))
    shapes = []

    class Watched:
        card = network.engine.card

        def __call__(self, bands):
            shapes.append(bands.shape)
            return network.engine(bands)

    blank = make_sample(3, 130, fill=False)
    blank.bands[:] = HLS_FILL
    batch = [Seen.of(at, make_sample(at, 130)) for at in range(3)] + [Seen.of(3, blank)]
    given = replace(network, engine=Watched(), batch_size=5)(batch)
    assert shapes == [(5, 6, 64, 64)] * 5 + [(2, 6, 64, 64)]  # 3 x 9 windows, none for the one without a pixel
    assert np.isnan(given[3]).all()


def test_validation_chooses_as_direct_counting_does(make_network):
    path = make_network(PLAIN)
    samples = [make_sample(at) for at in range(4)]
    found = survey(Feed(HeldSamples(samples), batch_size=3), open_network(path))
    steps = [at / 10 for at in range(11)]
    chances = np.stack([directly(path, sample) for sample in samples])
    labels = np.stack([sample.labels for sample in samples])
    assert found.samples == 4
    for at, mask in enumerate(Mask):
        f1 = [counted(chances[:, at], labels[:, at], step).f1 for step in steps]
        assert found.thresholds(steps)[mask] == steps[int(np.nanargmax(f1))]
    lit = np.where(labels[:, 4] == 255, 255, 1 - labels[:, 4])
    f1 = [counted(1 - chances[:, 4], lit, step).f1 for step in steps]
    assert found.sunlit_threshold(steps) == steps[int(np.nanargmax(f1))]


# ---------------------------------------------------------------- as the paper scores


def published_way(sample, session):
    """Do to a sample what the published evaluation does; return probabilities and labels of five published tasks."""
    image = sample.bands.astype(np.float64)
    blank = sample.bands == HLS_FILL
    image[blank] = image[~blank].min() if not blank.all() else 0
    image = (image - image.min()) / max(image.max() - image.min(), 1)
    image = image[:, :512, :512]
    image = image - image.min()
    image = image / max(image.max(), 1)
    labels = sample.labels[:, :512, :512].copy()
    labels[4] = np.where(labels[4] == 255, 255, 1 - labels[4])
    labels[:, blank[0, :512, :512]] = 0
    if not image.any():
        labels[labels != NOT_OBSERVED] = 0
    logits = session.run(None, {"bands": image[None].astype(np.float32)})[0][0]
    return 1 / (1 + np.exp(-logits)), labels


def test_published_scoring_is_the_papers(make_network):
    card = replace(PLAIN, output="logits", normalization=Normalization("published"))
    weight = np.random.default_rng(0).normal(0, 1.2, (5, 6, 3, 3)).astype(np.float32)
    path = make_network(card, weight=weight)
    samples = [make_sample(0, 600), make_sample(1, 96, fill=False), make_sample(2, 80), make_sample(3, 80)]
    samples[0].bands[:, 550, 550] = 12000  # outside the crop, and yet what everything is scaled by
    samples[2].bands[:] = HLS_FILL
    samples[2].labels[:] = NOT_OBSERVED
    samples[3].bands[:] = 700  # the same everywhere: its labels count as 0
    samples[3].labels[:] = 1
    network = open_network(path, published=True)
    [verdict] = judge(Feed(HeldSamples(samples), published=True), [network])
    session = onnxruntime.InferenceSession(str(path))
    theirs = [published_way(sample, session) for sample in samples]
    pixels = sum(labels[0].size - (labels[0] == NOT_OBSERVED).sum() for _, labels in theirs)
    for at, mask in enumerate(Mask):
        counts = verdict.sunlit if mask is Mask.TERRAIN_SHADOW else verdict.counts[mask]
        each = [wanted((1 - p if at == 4 else p)[at], y[at], 0.5) for p, y in theirs]
        np.testing.assert_allclose(four(counts), np.sum(each, axis=0), atol=3)  # pixels at the threshold, by rounding
        assert counts.count == pixels
    assert network.card.normalization.kind == "published"  # what goes back into the file is what it was


def test_published_scoring_leaves_other_normalizations_alone(make_network):
    path = make_network(PLAIN)
    sample = make_sample(0, 600)
    seen = Seen.as_published(0, sample)
    [given] = open_network(path, published=True)([seen])
    wanted = directly(path, sample)[:, :512, :512]
    wanted[:, seen.fill] = np.nan
    np.testing.assert_allclose(given[:, 1:-1, 1:-1], wanted[:, 1:-1, 1:-1], atol=1e-6)


def test_published_scoring_counts_the_same_pixels_of_all(make_network, monkeypatch):
    def everywhere(img, **_):
        return SimpleNamespace(csm=np.ones(img.shape[:2]))

    monkeypatch.setitem(sys.modules, "ukis_csmask", ModuleType("ukis_csmask"))
    monkeypatch.setitem(sys.modules, "ukis_csmask.mask", SimpleNamespace(CSmask=everywhere))
    sample = make_sample(0)
    paths = (
        make_network(PLAIN),
        make_network(replace(PLAIN, normalization=Normalization("published")), name="scaled.onnx"),
    )
    contenders = [open_network(path, published=True) for path in paths]
    contenders += [open_contender(name, published=True) for name in ("spectral", "fmask", "ukis-csmask")]
    feed = Feed(HeldSamples([sample]), published=True)
    plain, *_, ukis = verdicts = judge(feed, contenders)
    assert {verdict.counts[Mask.CLOUD].count for verdict in verdicts} == {
        72 * 72 - 72 + 18
    }  # a row is not known, but where it is fill
    blank = (~sample.valid).sum()
    assert ukis.counts[Mask.CLOUD].quiet == blank  # nothing is said at fill, cloud everywhere else
    said = directly(paths[0], sample)[4] > np.float32(0.5)
    bright, lit = ~said & sample.valid, (sample.labels[4] == 0) & sample.valid
    known = (sample.labels[4] != NOT_OBSERVED) | ~sample.valid
    assert plain.sunlit == Confusion.of(bright[known].astype(np.uint8), lit[known].astype(np.uint8))
    assert survey(feed, contenders[0]).histogram.confusion(Mask.CLOUD, 0).count == plain.counts[Mask.CLOUD].count
    assert (
        judge(Feed(HeldSamples([make_sample(0, fmask=False)]), published=True), [Fmask()])[0].counts[Mask.CLOUD]
        == Confusion()
    )


# ---------------------------------------------------------------- other contenders


def test_the_fmask_layer_is_judged_as_it_stands():
    samples = [make_sample(0), make_sample(1, fmask=False), make_sample(2)]
    [verdict] = judge(Feed(HeldSamples(samples)), [Fmask()])
    expected = sum((Confusion.of(decode(s.fmask)[1], s.labels[1]) for s in (samples[0], samples[2])), Confusion())
    assert verdict.counts[Mask.CLOUD] == expected
    assert verdict.masks == tuple(Mask)[:4]
    assert verdict.histogram is None
    assert verdict.sunlit is None
    assert verdict.thresholds == {}


def test_all_contenders_in_one_pass_are_as_each_alone(make_network):
    path = make_network(PLAIN)
    samples = [make_sample(at, 64) for at in range(3)]
    contenders = [open_network(path), open_contender("spectral"), open_contender("fmask")]
    together = judge(Feed(HeldSamples(samples)), contenders)
    for contender, verdict in zip(contenders, together, strict=True):
        [alone] = judge(Feed(HeldSamples(samples)), [contender])
        assert alone.counts == verdict.counts
        assert alone.intervals.keys() == verdict.intervals.keys()
    water = [Spectral()(Seen.of(0, sample).bands[None])[0, 0] for sample in samples]
    counts = sum((counted(p, s.labels[0], 0.5) for p, s in zip(water, samples, strict=True)), start=Confusion())
    assert together[1].counts[Mask.WATER] == counts
    assert Mask.TERRAIN_SHADOW not in together[1].masks


def test_masks_that_are_not_asked_for_are_not_judged(make_network):
    network = limited(open_network(make_network(PLAIN)), {Mask.CLOUD, Mask.SNOW_ICE})
    [verdict] = judge(Feed(HeldSamples([make_sample(0)])), [network])
    assert verdict.masks == tuple(verdict.counts) == (Mask.CLOUD, Mask.SNOW_ICE)
    assert tuple(verdict.thresholds) == verdict.masks
    assert verdict.between[0].sum() == verdict.between[:, 0].sum() == 0
    assert limited(Fmask(), {Mask.TERRAIN_SHADOW}) is None


def test_ukis_csmask(monkeypatch):
    seen = []

    class CSmask:
        def __init__(self, img, band_order, product_level):
            seen.append((img.shape, img.dtype, tuple(band_order), product_level, np.isnan(img).any()))
            green = img[..., 1]
            self.csm = np.where(green > 0.6, 1, np.where(green < 0.2, 2, 0))[..., None]

    monkeypatch.setitem(sys.modules, "ukis_csmask", ModuleType("ukis_csmask"))
    monkeypatch.setitem(sys.modules, "ukis_csmask.mask", SimpleNamespace(CSmask=CSmask))
    sample = make_sample(0)
    [verdict] = judge(Feed(HeldSamples([sample])), [open_contender("ukis-csmask")])
    order = ("blue", "green", "red", "nir", "swir16", "swir22")
    assert seen == [((72, 72, 6), np.float32, order, "l2a", False)]
    green = sample.bands[1] * np.float32(1e-4)
    assert four(verdict.counts[Mask.CLOUD]) == wanted(green, sample.labels[1], 0.6)
    assert four(verdict.counts[Mask.CLOUD_SHADOW]) == wanted(-green, sample.labels[2], -0.2)


def test_ukis_csmask_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ukis_csmask", None)
    monkeypatch.delitem(sys.modules, "ukis_csmask.mask", raising=False)
    with pytest.raises(MissingPackageError, match=r"pip install .ukis-csmask"):
        open_contender("ukis-csmask")


def test_contenders_that_cannot_be():
    with pytest.raises(UsageError, match="spectral, fmask, ukis-csmask"):
        open_contender("fmask5")


def test_a_network_that_takes_elevation_is_refused(make_network):
    path = make_network(replace(PLAIN, elevation=True), inputs=7)
    with pytest.raises(CardError, match="elevation"):
        open_network(path)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.pth.tar", "a"), ("a.b.onnx", "a.b"), ("x.safetensors", "x"), ("y.pth", "y"), ("z", "z"), (".onnx", ".onnx")],
)
def test_results_are_named_after_the_weights(tmp_path, name, stem):
    assert stem_of(tmp_path / name) == stem


# ---------------------------------------------------------------- what can be wrong with samples


class Broken(HeldSamples):
    """Samples of which one cannot be read."""

    def sample(self, index):
        if index == 1:
            raise SampleError("sample-1 cannot be read: its second half is missing")
        return super().sample(index)


def test_broken_samples_are_named_or_counted(make_network):
    network = open_network(make_network(PLAIN))
    samples = Broken([make_sample(at) for at in range(4)])
    with pytest.raises(SampleError, match="sample-1"):
        judge(Feed(samples), [network])
    feed = Feed(samples, skip_broken=True, batch_size=2)
    assert judge(feed, [network])[0].samples == 3
    assert judge(feed, [network])[0].samples == 3
    assert len(feed.broken) == 1
    with pytest.raises(DatasetError, match="not one of 1"):
        judge(Feed(type("All", (Broken,), {"sample": lambda _, __: Broken.sample(samples, 1)})([make_sample(0)]),
                   skip_broken=True), [network])  # fmt: skip
    with pytest.raises(DatasetError, match="no samples"):
        judge(Feed(HeldSamples([])), [network])


def test_samples_of_which_nothing_is_known(make_network):
    blank = make_sample(0)
    blank.bands[:], blank.labels[:] = HLS_FILL, NOT_OBSERVED
    card = replace(PLAIN, normalization=Normalization("published"))
    [verdict] = judge(Feed(HeldSamples([blank])), [open_network(make_network(card))])
    assert all(counts.count == 0 for counts in verdict.counts.values())
    assert all(np.isnan(value) for value in verdict.boundary.values())
    assert np.isnan(verdict.intervals[Mask.WATER]["f1"]).all()
    assert verdict.between.sum() == 0
    assert verdict.worst == ()


def test_a_gallery_does_not_grow():
    gallery = Gallery(1000)
    seen = Seen.of(0, make_sample(0, 64))
    for number in range(1000):
        counts = {Mask.WATER: Confusion(1, number % 97, 0, 5)}
        gallery.add(replace(seen, number=number, id=f"{number}"), seen.labels, counts)
    assert [shown.id for shown in gallery.spread] == ["0", "200", "400", "599", "799", "999"]
    assert [shown.id for shown in gallery.worst] == [f"{96 + 97 * at}" for at in range(KEPT)]
