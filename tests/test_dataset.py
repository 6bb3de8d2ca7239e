"""Training sees what prediction sees, whoever reads it and in whatever order."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, DistributedSampler

from hlsmask.bands import BANDS, HLS_FILL
from hlsmask.card import Card, Normalization
from hlsmask.errors import CardError, SampleError, UsageError
from hlsmask.inference.network import NetworkEngine
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples import Augmentation, HeldSamples, SampleDataset
from hlsmask.samples.crops import count_parts, grid_window
from hlsmask.samples.opening import open_samples
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.store import StoreWriter
from hlsmask.testing import write_published
from hlsmask.windows import Window

SIDE = 80
LINEAR = Card("linear", tuple(Mask), normalization=Normalization("linear", (0.1,) * 6, (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)))
SQRT = Card("sqrt", tuple(Mask), bands=BANDS[::-1], normalization=Normalization("sqrt", (0.6,) * 6, (0.5,) * 6))
PUBLISHED = Card("published", tuple(Mask), multiple=16, normalization=Normalization("published"))
CARDS = [LINEAR, SQRT, PUBLISHED]
RICH = Augmentation(gain=0.15, mixing=0.25, noise=0.04)

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def make_sample(number, side=SIDE, *, fill=True):
    """Make a sample whose labels follow from its bands, so that one can tell whether they are still together."""
    rng = np.random.default_rng(number)
    bands = rng.integers(-300, 5000, (6, side, side), dtype=np.int16)
    if fill:
        bands[:, : side // 3, : side // 4] = HLS_FILL
    labels = (bands[:5] > 2000).astype(np.uint8)
    labels[:, 10 % side] = NOT_OBSERVED
    return Sample.of(Record(f"sample-{number}", side), bands, labels)


class Watched(HeldSamples):
    """Samples that remember what was asked of them, some of them broken."""

    def __init__(self, samples, broken=()):
        super().__init__(samples)
        self.broken, self.asked = broken, []

    def stored(self, index, window=None):
        self.asked.append(window)
        if index in self.broken:
            raise SampleError(f"{self.record(index).id} cannot be read: its second half is missing")
        return super().stored(index, window)


@pytest.fixture
def samples():
    return HeldSamples([make_sample(number) for number in range(7)])


def hold_engine(card):
    """Make an engine that gives back what its network would take."""

    class Probe(NetworkEngine):
        name = "probe"

        def compute(self, taken, kept):
            del kept
            self.taken = taken.copy()
            return np.zeros((len(taken), len(self.card.masks), *taken.shape[2:]), np.float32), (0, 0)

    return Probe(card, "")


def items(loader):
    """Return all items of a loader as one array each of bands and labels."""
    bands, labels = zip(*loader, strict=True)
    return torch.cat(bands).numpy(), torch.cat(labels).numpy()


# ---------------------------------------------------------------- what an item is


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("size", [None, 32])
def test_training_sees_exactly_what_prediction_sees(samples, card, size):
    dataset = SampleDataset(samples, card, size=size)
    engine = hold_engine(card)
    for item in range(len(dataset)):
        sample, window = dataset.place(item)
        seen, truth = samples.read(sample, window)
        engine(seen[None])
        bands, labels = dataset[item]
        assert bands.dtype == torch.float32
        assert labels.dtype == torch.uint8
        np.testing.assert_array_equal(bands.numpy(), engine.taken[0])
        np.testing.assert_array_equal(labels.numpy(), truth)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_what_was_not_observed_is_zero_and_not_known(card):
    blank = np.full((6, 64, 64), HLS_FILL, np.int16)
    samples = HeldSamples([Sample.of(Record("blank", 64), blank, np.zeros((5, 64, 64), np.uint8))])
    bands, labels = SampleDataset(samples, card, size=32)[0]
    assert not bands.any()
    assert (labels == NOT_OBSERVED).all()


@pytest.mark.parametrize("card", [LINEAR, SQRT], ids=lambda card: card.name)
def test_fill_stays_zero_under_augmentation(card):
    dataset = SampleDataset(HeldSamples([make_sample(0)]), card, augmentation=RICH)
    bands, labels = dataset[0]
    fill = (labels == NOT_OBSERVED).all(dim=0)
    fill &= (bands == 0).all(dim=0)
    assert int(fill.sum()) == (SIDE // 3) * (SIDE // 4)
    assert torch.isfinite(bands).all()


def test_labels_turn_with_their_bands(samples):
    dataset = SampleDataset(samples, size=48, augmentation=Augmentation())
    turns = set()
    for epoch in range(12):
        dataset.set_epoch(epoch)
        for item in range(len(dataset)):
            bands, labels = dataset[item]
            assert bands.is_contiguous()
            assert labels.is_contiguous()
            known = labels != NOT_OBSERVED
            np.testing.assert_array_equal(labels[known], (bands[:5] > 0.20005)[known].to(torch.uint8))
            sample, window = dataset.place(item)
            upright = samples.read(sample, window)[1]
            turns |= {
                (quarter, flip)
                for quarter in range(4)
                for flip in (1, -1)
                if np.array_equal(np.rot90(upright[..., ::flip], quarter, (1, 2)), labels)
            }
    assert len(turns) == 8


def test_masks_come_in_the_order_asked_for(samples):
    _, labels = SampleDataset(samples, masks=["sun_mask", Mask.WATER])[0]
    np.testing.assert_array_equal(labels, samples[0][1][[4, 0]])
    two = replace(LINEAR, masks=(Mask.CLOUD, Mask.WATER))
    _, labels = SampleDataset(samples, two)[0]
    np.testing.assert_array_equal(labels, samples[0][1][[1, 0]])


def test_an_item_may_be_changed_without_harm_to_the_samples(samples):
    before = [array.copy() for array in samples.stored(0)]
    for dataset in (SampleDataset(samples), SampleDataset(samples, size=32)):
        for tensor in dataset[0]:
            tensor.fill_(7)
    for array, old in zip(samples.stored(0), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_gains_act_on_reflectance(samples):
    plain = SampleDataset(samples)[0][0]
    bright = SampleDataset(samples, augmentation=Augmentation(turns="none", gain=0.2))[0][0]
    seen = (plain != 0).all(dim=0)
    ratio = bright[:, seen] / plain[:, seen]
    assert (ratio.amax(dim=1) - ratio.amin(dim=1) < 1e-5).all(), "one gain a band"
    assert ((ratio > 0.8) & (ratio < 1.2)).all()
    assert len(set(ratio[:, 0].tolist())) == 6


# ---------------------------------------------------------------- crops


@given(st.integers(0, 2**70), st.integers(0, 10**6), st.integers(0, 6), st.integers(1, SIDE + 20))
def test_a_crop_lies_within_its_sample(seed, epoch, item, size):
    dataset = SampleDataset(MANY, size=size, seed=seed)
    dataset.set_epoch(epoch)
    sample, window = dataset.place(item)
    assert sample == item
    assert window.shape == (min(size, SIDE),) * 2
    assert window & Window(0, 0, SIDE, SIDE) == window


MANY = HeldSamples([make_sample(number) for number in range(7)])


def test_every_place_of_a_768_pixel_sample_is_reached():
    class Large(HeldSamples):
        def record(self, _):
            return Record("large", 768)

    dataset = SampleDataset(Large([make_sample(0)] * 300), size=764)
    places = set()
    for epoch in range(3):
        dataset.set_epoch(epoch)
        places |= {dataset.place(item)[1] for item in range(300)}
    assert {(place.row, place.col) for place in places} == {(row, col) for row in range(5) for col in range(5)}


def test_only_the_pixels_of_a_crop_are_read():
    samples = Watched([make_sample(0)])
    SampleDataset(samples, size=32, augmentation=RICH)[0]
    SampleDataset(samples, PUBLISHED, size=32, augmentation=RICH)[0]
    SampleDataset(samples, crop="published", size=32)[0]
    assert [window.shape for window in samples.asked] == [(32, 32)] * 3


def test_the_centre_is_the_centre(samples):
    assert SampleDataset(samples, size=40, crop="centre").place(3) == (3, Window(20, 20, 40, 40))


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_smaller_samples_are_filled_up(samples, augmentation):
    dataset = SampleDataset(samples, LINEAR, size=96, augmentation=augmentation)
    bands, labels = dataset[0]
    assert bands.shape == (6, 96, 96)
    whole = SampleDataset(samples, LINEAR)[0]
    assert int((labels != NOT_OBSERVED).sum()) == int((whole[1] != NOT_OBSERVED).sum())
    assert int((bands != 0).sum()) == int((whole[0] != 0).sum())
    if augmentation is None:
        np.testing.assert_array_equal(bands[:, :SIDE, :SIDE], whole[0])


@given(st.integers(1, 60), st.integers(1, 70))
def test_a_grid_gives_every_pixel_once(side, size):
    given_to = np.zeros((side, side), int)
    for part in range(count_parts(side, size)):
        read, own = grid_window(side, size, part)
        assert read.shape == (min(size, side),) * 2
        assert read & Window(0, 0, side, side) == read
        given_to[own.slices] += 1
        assert own & read == own
    assert (given_to == 1).all()


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_over_a_grid_every_label_counts_once(augmentation):
    samples = HeldSamples([make_sample(0, 64), make_sample(1, 100), make_sample(2, 80)])
    dataset = SampleDataset(samples, size=64, crop="grid", augmentation=augmentation)
    assert len(dataset) == 1 + 4 + 4
    _, labels = items(DataLoader(dataset, 2))
    whole = [samples[at][1] for at in range(3)]
    for value in (0, 1):
        assert (labels == value).sum() == sum((each == value).sum() for each in whole)
    assert [dataset.place(item)[0] for item in range(9)] == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert dataset.place(4)[1] == Window(36, 36, 64, 64)


# ---------------------------------------------------------------- the published way


def publish(bands, turn=None, shares=None, noise=None, size=48):
    """Write plainly what the published training does to HLS integers (6, h, w): floats of 64 bits, no shortcuts."""
    image = bands.astype(float)
    image[image == HLS_FILL] = np.nan
    image[np.isnan(image)] = np.nanmin(image)
    image = (image - image.min()) / max(image.max() - image.min(), 1)
    if turn is not None:
        image = image[:, :: -1 if turn.upside_down else 1, :: -1 if turn.mirrored else 1]
    image = image[:, :size, :size]
    if shares is not None:
        matrix = shares[0] * np.eye(6, k=-1) + shares[1] * np.eye(6) + shares[2] * np.eye(6, k=1)
        image = np.tensordot(matrix, image, axes=1) + noise
    image = image - image.min()
    return image / max(image.max(), 1)


@pytest.mark.parametrize("fill", [True, False])
def test_the_published_crop_is_scaled_by_its_whole_sample(fill):
    samples = HeldSamples([make_sample(number, fill=fill) for number in range(3)])
    samples.stored(1)[0][:, -1, -1] = 9000  # the brightest pixel lies outside the crop
    samples.stored(2)[0][:, -1, -1] = -1500  # and here the darkest
    dataset = SampleDataset(samples, PUBLISHED, crop="published", size=48)
    for item in range(3):
        np.testing.assert_allclose(dataset[item][0], publish(samples.stored(item)[0]), atol=2e-6)
        np.testing.assert_array_equal(dataset[item][1], samples.stored(item)[1][:, :48, :48])
    assert dataset[1][0].max() < 0.7


@pytest.mark.parametrize("fill", [True, False])
def test_published_augmentation_is_applied_where_it_was(fill):
    samples = HeldSamples([make_sample(number, fill=fill) for number in range(7)])
    augmentation = Augmentation.published()
    dataset = SampleDataset(samples, PUBLISHED, crop="published", size=48, augmentation=augmentation, seed=3)
    turns = set()
    for item in range(7):
        _, drawn, rng = dataset._chance(item)
        turns.add(drawn.turn)
        noise = drawn.noise * rng.standard_normal((6, 48, 48), np.float32)
        bands, labels = dataset[item]
        wanted = publish(samples.stored(item)[0], drawn.turn, drawn.mixing, noise)
        np.testing.assert_allclose(bands, wanted, atol=2e-6)
        np.testing.assert_array_equal(labels, drawn.turn(samples.stored(item)[1])[:, :48, :48])
        assert bands.min() == 0
        assert bands.max() <= 1
    assert len(turns) > 2


def test_gains_count_in_the_scaling_of_the_whole_sample():
    samples = HeldSamples([make_sample(0)])
    augmentation = Augmentation(turns="none", gain=0.3)
    cut = SampleDataset(samples, PUBLISHED, crop="published", size=48, augmentation=augmentation)[0][0]
    whole = SampleDataset(samples, PUBLISHED, augmentation=augmentation)[0][0][:, :48, :48]
    np.testing.assert_allclose(cut, whole - whole.min(), atol=1e-6)


def test_the_published_crop_is_512_pixels_upper_left():
    samples = HeldSamples([make_sample(0, 520)])
    dataset = SampleDataset(samples, PUBLISHED, crop="published")
    assert dataset.place(0) == (0, Window(0, 0, 512, 512))
    assert dataset[0][0].shape == (6, 512, 512)


# ---------------------------------------------------------------- who reads, and in what order


@pytest.mark.parametrize("workers", [1, 2])
def test_items_do_not_depend_on_workers_order_or_global_chance(samples, workers):
    dataset = SampleDataset(samples, LINEAR, size=32, augmentation=RICH, seed=5)
    alone = items([dataset[item] for item in range(7)])
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what must not matter
    together = items(DataLoader(dataset, 1, num_workers=workers))
    np.testing.assert_array_equal(torch.from_numpy(alone[0]).reshape(together[0].shape), together[0])
    backwards = items(DataLoader(dataset, 1, sampler=range(6, -1, -1), num_workers=workers))
    np.testing.assert_array_equal(backwards[0][::-1], together[0])
    np.testing.assert_array_equal(backwards[1][::-1], together[1])


def test_seeds_epochs_and_items_differ_and_repeat(samples):
    dataset = SampleDataset(samples, size=32, augmentation=RICH, seed=5)
    same = HeldSamples([make_sample(0)] * 7)
    first = dataset[0][0]
    dataset.set_epoch(1)
    assert dataset.epoch == 1
    assert not torch.equal(dataset[0][0], first)
    dataset.set_epoch(0)
    assert torch.equal(dataset[0][0], first)
    assert not torch.equal(SampleDataset(samples, size=32, augmentation=RICH, seed=6)[0][0], first)
    assert len({item[0].numpy().tobytes() for item in SampleDataset(same, size=32, augmentation=RICH)}) == 7


def test_workers_that_persist_see_the_epoch(samples):
    dataset = SampleDataset(samples, size=32, augmentation=RICH)
    loader = DataLoader(dataset, 7, num_workers=1, persistent_workers=True, multiprocessing_context="fork")
    seen = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        seen.append(items(loader)[0])
        np.testing.assert_array_equal(seen[-1], items(DataLoader(dataset, 7))[0])
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])


def test_workers_that_are_spawned_see_the_epoch_too(samples):
    unpickled = pickle.loads(pickle.dumps(SampleDataset(samples, size=32, augmentation=RICH)))  # noqa: S301 - our own
    loader = DataLoader(unpickled, 7, num_workers=1, persistent_workers=True, multiprocessing_context="spawn")
    for epoch in (0, 1):
        unpickled.set_epoch(epoch)
        np.testing.assert_array_equal(items(loader)[0], items(DataLoader(unpickled, 7))[0])


def test_an_unpickled_dataset_shares_its_epoch_with_workers_forked_from_it(samples):
    dataset = pickle.loads(pickle.dumps(SampleDataset(samples, size=32)))  # noqa: S301 - our own
    loader = DataLoader(dataset, 7, num_workers=1, persistent_workers=True, multiprocessing_context="fork")
    first = items(loader)[0]
    dataset.set_epoch(1)
    assert not np.array_equal(items(loader)[0], first)


def test_the_ranks_of_a_group_together_give_every_item_once(samples):
    dataset = SampleDataset(samples, size=32, augmentation=RICH)
    alone = {bands.numpy().tobytes() for bands, _ in dataset}
    ranks = [DistributedSampler(dataset, 7, rank, shuffle=True, seed=1) for rank in range(7)]
    assert {items(DataLoader(dataset, 1, sampler=rank))[0][0].tobytes() for rank in ranks} == alone


# ---------------------------------------------------------------- wherever the samples lie


def lay_down(folder, kind):
    """Write six samples, four to train on and two to validate with, as a store or as the published dataset."""
    plain = [make_sample(number, 96, fill=number % 2 > 0) for number in range(6)]
    for sample in plain:
        sample.labels[:, 10] = 0  # the published layout knows no third value
    samples = [
        Sample.of(Record(f"b072/{number}", 96, "val" if number > 3 else "train"), sample.bands, sample.labels)
        for number, sample in enumerate(plain)
    ]
    if kind == "store":
        with StoreWriter(folder) as writer:
            for sample in samples:
                writer.append(sample)
    else:
        write_published(folder, samples)
    return HeldSamples(samples[:4])


@pytest.mark.parametrize("kind", ["store", "published"])
def test_a_store_and_the_published_layout_give_what_memory_gives(tmp_path, kind):
    held = lay_down(tmp_path / "samples", kind)
    opened = open_samples(tmp_path / "samples", "train")
    order = [int(opened.record(at).id[-1]) for at in range(4)]
    for options in ({"crop": "random"}, {"crop": "grid"}, {"crop": "published"}):
        datasets = [
            SampleDataset(source, PUBLISHED, size=64, augmentation=RICH, **options)
            for source in (opened, HeldSamples([held.sample(at) for at in order]))
        ]
        datasets[0][0]  # opened here, then by those that are forked
        loader = DataLoader(datasets[0], 2, num_workers=2, multiprocessing_context="fork")
        for given_, wanted in zip(items(loader), items(DataLoader(datasets[1], 2)), strict=True):
            np.testing.assert_array_equal(given_, wanted)


def test_what_travels_to_workers_is_small(tmp_path):
    lay_down(tmp_path / "samples", "store")
    dataset = SampleDataset(open_samples(tmp_path / "samples"), size=32)
    dataset[0]
    assert len(pickle.dumps(dataset)) < 10_000


def test_what_the_how_to_shows_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lay_down(Path("my-samples"), "store")
    page = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "load-samples.md"
    names = {}
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code.replace("256", "64"), page.name, "exec"), names)  # noqa: S102 - that is the test
    assert np.isfinite(names["loss"].item())
    assert names["counted"] == sum((names["val"].samples[at][1] != NOT_OBSERVED).sum() for at in range(2))
    assert "of the labels that are known" in capsys.readouterr().out
    assert names["bands"].shape == (6, 512, 512)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_sample_ends_the_epoch_and_is_named(workers):
    dataset = SampleDataset(Watched([make_sample(number) for number in range(4)], broken={2}), size=32)
    with pytest.raises(SampleError, match="sample-2 cannot be read: its second half is missing"):
        items(DataLoader(dataset, 1, num_workers=workers))


@pytest.mark.parametrize("crop", ["random", "grid"])
def test_a_broken_sample_that_is_skipped_counts_in_nothing_and_is_remembered(crop):
    samples = Watched([make_sample(number) for number in range(4)], broken={2})
    dataset = SampleDataset(samples, LINEAR, size=64, crop=crop, skip_broken=True)
    bands, labels = items(DataLoader(dataset, 2, num_workers=1))
    at = [item for item in range(len(dataset)) if dataset._locate(item)[0] == 2]
    assert len(bands) == len(dataset)
    assert not bands[at].any()
    assert (labels[at] == NOT_OBSERVED).all()
    assert dataset.broken == [2], "by a worker, and yet"


def test_records_that_cannot_be_read_are_broken_samples_too():
    class Recordless(HeldSamples):
        def record(self, index):
            if index == 1:
                raise SampleError("sample-1 has no features")
            return super().record(index)

    samples = Recordless([make_sample(number) for number in range(3)])
    for crop, count in (("random", 3), ("grid", 9)):
        dataset = SampleDataset(samples, size=64, crop=crop, skip_broken=True)
        assert len(dataset) == count
        _, labels = items(DataLoader(dataset, 3))
        assert dataset.broken == [1]
        assert (labels != NOT_OBSERVED).any(axis=(1, 2, 3)).sum() == count - 1
    with pytest.raises(SampleError, match="sample-1 has no features"):
        SampleDataset(samples, size=64, crop="grid")


@pytest.mark.parametrize(
    ("card", "options", "error", "words"),
    [
        (None, {"size": 0}, UsageError, "size is 0"),
        (LINEAR, {"size": 48}, UsageError, "size is 48; linear takes a multiple of 32"),
        (replace(LINEAR, fixed=True), {"size": 256}, UsageError, "takes 512"),
        (None, {"size": 32, "crop": "left"}, UsageError, "random, centre, grid, published"),
        (None, {"masks": []}, UsageError, "masks are none"),
        (None, {"masks": ["water", "water_mask"]}, UsageError, "each once"),
        (None, {"masks": ["fog"]}, UsageError, "no mask 'fog'"),
        (None, {"seed": -1}, UsageError, "seed is -1"),
        (None, {"seed": 1.5}, UsageError, "seed is 1.5; use a whole number"),
        (None, {"size": 32.0}, UsageError, "size is 32.0; use a whole number"),
        (None, {"augmentation": "published"}, UsageError, "use an Augmentation"),
        (None, {"skip_broken": True}, UsageError, "needs a size"),
        (replace(LINEAR, elevation=True), {}, CardError, "elevation"),
    ],
)
def test_options_that_do_not_fit_are_refused(samples, card, options, error, words):
    with pytest.raises(error, match=words):
        SampleDataset(samples, card, **options)


def test_there_are_no_more_items_than_samples(samples):
    dataset = SampleDataset(samples, size=32)
    assert len(dataset) == 7
    assert torch.equal(dataset[-1][0], dataset[6][0])
    assert torch.equal(dataset[np.int64(3)][0], dataset[torch.tensor(3)][0])
    for item in (7, -8):
        with pytest.raises(IndexError, match="of 7"):
            dataset[item]
    assert len(SampleDataset(HeldSamples([]), size=32)) == 0


def test_one_mask_may_be_named_alone_and_epochs_are_whole(samples):
    dataset = SampleDataset(samples, size=32, masks="water_mask")
    assert dataset.masks == (Mask.WATER,)
    for epoch in (-1, 1.7):
        with pytest.raises(UsageError, match="epoch is"):
            dataset.set_epoch(epoch)
