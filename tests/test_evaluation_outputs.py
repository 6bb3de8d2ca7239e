"""Tables, picture and page of an evaluation say what was judged; scikit-learn, pandas, Pillow and html.parser judge."""

import base64
import csv
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from hlsmask.errors import OutputError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.histogram import Histogram
from hlsmask.evaluation.panels import FALSE, MISSED, NOT_THERE, Panels
from hlsmask.evaluation.picture import write_picture
from hlsmask.evaluation.report import About, write_report
from hlsmask.evaluation.table import PUBLISHED_TASKS, write_comparison, write_csv, write_sensors
from hlsmask.evaluation.verdict import SCORES, Shown, Verdict
from hlsmask.masks import NOT_OBSERVED, PUBLISHED_NAMES, Mask
from hlsmask.products.palette import COLOURS

NAN = float("nan")
THRESHOLDS = dict(zip(Mask, (0.4, 0.5, 0.3, 0.5, 0.6), strict=True))
LIGHT = {
    Mask.WATER: (0.05, 0.06, 0.03, 0.02, 0.01, 0.01),
    Mask.CLOUD: (0.5, 0.5, 0.5, 0.5, 0.4, 0.35),
    Mask.CLOUD_SHADOW: (0.02, 0.03, 0.03, 0.1, 0.08, 0.05),
    Mask.SNOW_ICE: (0.8, 0.8, 0.8, 0.7, 0.1, 0.1),
    Mask.TERRAIN_SHADOW: (0.02, 0.02, 0.02, 0.05, 0.04, 0.03),
}
"""Reflectance of pure pixels, about."""


class Scene:
    """A sample that is made up: smooth shapes, bands that look like them, probabilities that nearly know them."""

    def __init__(self, number, size=64, *, masks=tuple(Mask), skill=0.25, sensor="S30", absent=(), unknown=()):
        rng = np.random.default_rng(number)
        fields = gaussian_filter(rng.normal(size=(5, size, size)), (0, size / 16, size / 16))
        fields /= fields.std(axis=(1, 2), keepdims=True)
        self.labels = (fields > 0.9).astype(np.uint8)
        self.labels[[list(Mask).index(mask) for mask in absent]] = 0
        bands = np.array((0.06, 0.09, 0.08, 0.3, 0.2, 0.12))[:, None, None] * rng.uniform(0.7, 1.3, (size, size))
        for mask, plane in zip(Mask, self.labels, strict=True):
            bands = np.where(plane == 1, np.array(LIGHT[mask])[:, None, None] * rng.uniform(0.9, 1.1), bands)
        self.bands = bands.astype(np.float32)
        noise = gaussian_filter(rng.normal(size=fields.shape), (0, 1, 1)) * 3
        chances = 1 / (1 + np.exp(-(fields - 0.9 + skill * 4 * noise) * 3))
        self.chances = chances.astype(np.float32)
        fill = np.add.outer(np.arange(size), np.arange(size)) < size // 3
        self.bands[:, fill], self.labels[:, fill], self.chances[:, fill] = np.nan, NOT_OBSERVED, np.nan
        self.labels[[list(Mask).index(mask) for mask in unknown]] = NOT_OBSERVED
        self.name, self.sensor, self.masks = f"HLS.S30.T13TDE.{number}", sensor, masks

    def said(self, thresholds):
        said = np.full(self.labels.shape, NOT_OBSERVED, np.uint8)
        for at, mask in enumerate(Mask):
            if mask in self.masks:
                said[at] = self.chances[at] > np.float32(thresholds[mask])
                said[at][np.isnan(self.chances[at])] = NOT_OBSERVED
        return said

    def shown(self):
        said = self.said(THRESHOLDS)
        counts = {m: Confusion.of(said[list(Mask).index(m)], self.labels[list(Mask).index(m)]) for m in self.masks}
        return Shown(self.name, self.sensor, self.bands, self.labels, said, counts)


def total(scenes, mask, thresholds):
    at = list(Mask).index(mask)
    return sum((Confusion.of(each.said(thresholds)[at], each.labels[at]) for each in scenes), Confusion())


def coded(planes, masks):
    rows = [planes[at] == 1 if mask in masks else np.zeros(planes.shape[1:], bool) for at, mask in enumerate(Mask)]
    none = np.all([planes[list(Mask).index(mask)] == 0 for mask in masks], axis=0)
    return np.array([*rows, none]).reshape(6, -1).astype(np.int64)


def verdict(scenes, name="ours", *, masks=tuple(Mask), plain=False):
    """Make a verdict on scenes, by hand."""
    rows = [list(Mask).index(mask) for mask in masks]
    counts = {mask: total(scenes, mask, THRESHOLDS) for mask in masks}
    sensors = {
        sensor: {mask: total([s for s in scenes if s.sensor == sensor], mask, THRESHOLDS) for mask in masks}
        for sensor in {scene.sensor for scene in scenes}
    }
    around = {
        mask: {score: (getattr(counts[mask], score) - 0.02, getattr(counts[mask], score) + 0.02) for score in SCORES}
        for mask in masks
    }
    sunlit = [np.where(scene.labels[4] == NOT_OBSERVED, NOT_OBSERVED, 1 - scene.labels[4] % 2) for scene in scenes]
    lit = [np.where(np.isnan(s.chances[4]), NOT_OBSERVED, 1 - s.chances[4] > np.float32(0.3)) for s in scenes]
    relief = Mask.TERRAIN_SHADOW in masks
    histogram = sum(
        (Histogram.of(masks, scene.chances[rows], scene.labels[rows]) for scene in scenes), Histogram.empty(masks)
    )
    pairs = [(coded(scene.labels, masks), coded(scene.said(THRESHOLDS), masks)) for scene in scenes]
    shown = tuple(scene.shown() for scene in scenes)
    return Verdict(
        name=name,
        masks=masks,
        samples=len(scenes),
        thresholds={} if plain else {mask: THRESHOLDS[mask] for mask in masks},
        counts=counts,
        intervals=around,
        sensors=sensors,
        boundary={mask: 0.5 + at / 10 for at, mask in enumerate(masks)},
        sunlit=sum((Confusion.of(*pair) for pair in zip(lit, sunlit, strict=True)), Confusion()) if relief else None,
        sunlit_threshold=0.3 if relief and not plain else None,
        histogram=None if plain else histogram,
        between=sum((true @ said.T for true, said in pairs), np.zeros((6, 6), np.int64)),
        rows=sum((true.sum(axis=1) for true, _ in pairs), np.zeros(6, np.int64)),
        shown=shown,
        worst=tuple(sorted(shown, key=lambda each: -each.error))[:6],
    )


def about(**changes):
    whole = About(
        checkpoint="ours.safetensors",
        version="0123456789abcdef",
        data="samples",
        validation=7,
        test=4,
        thresholds="best F1 of 7 validation samples, in steps of 0.1",
        published_scoring=False,
        notes=("no positive pixel of snow/ice in validation: 0.5 kept",),
        date="2025-03-04",
        benchmark="",
        protocol="",
    )
    return replace(whole, **changes)


PUBLISHED_COLUMNS = [
    *("backbone", "head", "ckpt_path", "pretrained"),
    *("water_mask_thresh", "cloudshadow_mask_thresh", "cloud_mask_thresh", "snowice_mask_thresh", "sun_mask_thresh"),
    *("water_mask_f1", "water_mask_rec", "water_mask_prec", "water_mask_acc", "water_mask_miou"),
    *("cloudshadow_mask_f1", "cloudshadow_mask_rec", "cloudshadow_mask_prec"),
    *("cloudshadow_mask_acc", "cloudshadow_mask_miou"),
    *("cloud_mask_f1", "cloud_mask_rec", "cloud_mask_prec", "cloud_mask_acc", "cloud_mask_miou"),
    *("snowice_mask_f1", "snowice_mask_rec", "snowice_mask_prec", "snowice_mask_acc", "snowice_mask_miou"),
    *("sun_mask_f1", "sun_mask_rec", "sun_mask_prec", "sun_mask_acc", "sun_mask_miou"),
]
JUDGES = {
    "f1": f1_score,
    "rec": recall_score,
    "prec": precision_score,
    "acc": accuracy_score,
    "miou": jaccard_score,
}


@pytest.fixture(scope="module")
def scenes():
    return [Scene(number, sensor="S30" if number % 2 else "L30") for number in range(4)]


@pytest.fixture(scope="module")
def ours(scenes):
    return verdict(scenes)


def pooled(scenes, mask):
    """Return truth and probability of all pixels that count."""
    at = list(Mask).index(mask)
    truth = np.concatenate([scene.labels[at].ravel() for scene in scenes])
    chances = np.concatenate([scene.chances[at].ravel() for scene in scenes])
    return truth[truth != NOT_OBSERVED], chances[truth != NOT_OBSERVED]


def row_of(path, verdict):
    write_csv(path, verdict, backbone="mobilenetv3", head="mobilenetv3_head", checkpoint="ours.pth", pretrained="1")
    with path.open(newline="") as stream:
        [row] = csv.DictReader(stream)
    return row


def test_table_begins_as_the_published_one(tmp_path, ours):
    row = row_of(tmp_path / "ours.csv", ours)
    assert list(row)[: len(PUBLISHED_COLUMNS)] == PUBLISHED_COLUMNS
    assert (row["backbone"], row["head"]) == ("mobilenetv3", "mobilenetv3_head")
    assert (row["ckpt_path"], row["pretrained"]) == ("ours.pth", "1")
    assert [row[f"{task}_thresh"] for task in PUBLISHED_TASKS] == ["0.4", "0.3", "0.5", "0.5", "0.3"]
    assert row["terrain_shadow_thresh"] == "0.6"
    assert row["samples"] == "4"


def test_scores_of_the_table_are_scikit_learns(tmp_path, ours, scenes):
    table = pd.read_csv(tmp_path / "ours.csv") if row_of(tmp_path / "ours.csv", ours) else None
    names = {mask: task for task, mask in PUBLISHED_NAMES.items()} | {Mask.TERRAIN_SHADOW: "terrain_shadow"}
    for mask in Mask:
        truth, chances = pooled(scenes, mask)
        said = chances > np.float32(THRESHOLDS[mask])
        for ending, judge in JUDGES.items():
            assert table[f"{names[mask]}_{ending}"][0] == pytest.approx(judge(truth, said), abs=1e-12)
        (quiet, false), (missed, hits) = confusion_matrix(truth, said)
        assert [table[f"{mask}_{ending}"][0] for ending in ("tp", "fp", "fn", "tn")] == [hits, false, missed, quiet]
        assert table[f"{mask}_f1_low"][0] < table[f"{names[mask]}_f1"][0] < table[f"{mask}_f1_high"][0]
    truth, chances = pooled(scenes, Mask.TERRAIN_SHADOW)
    for ending, judge in JUDGES.items():
        lit = judge(1 - truth, 1 - chances > np.float32(0.3))
        assert table[f"sun_mask_{ending}"][0] == pytest.approx(lit, abs=1e-12)


def test_table_loses_no_digit(tmp_path, ours):
    row = row_of(tmp_path / "ours.csv", ours)
    assert float(row["water_mask_f1"]) == ours.counts[Mask.WATER].f1
    assert float(row["snow_ice_f1_high"]) == ours.intervals[Mask.SNOW_ICE]["f1"][1]


def test_cells_of_what_was_not_judged_are_empty(tmp_path):
    """Terrain shadow is not given, snow is given but not labelled."""
    masks = (Mask.WATER, Mask.CLOUD, Mask.SNOW_ICE)
    few = verdict([Scene(1, masks=masks, unknown=[Mask.SNOW_ICE])], masks=masks)
    row = row_of(tmp_path / "few.csv", few)
    for name, value in row.items():
        if name.startswith(("sun_", "terrain_", "cloudshadow_", "cloud_shadow_")):
            assert value == "", name
        if name.startswith(("snowice_", "snow_ice_")) and not name.endswith("_thresh"):
            assert value == "", name
        if name.startswith(("water_", "cloud_mask")):
            assert value != "", name


def test_a_score_that_does_not_exist_is_nan(tmp_path):
    none = verdict([Scene(1, absent=[Mask.WATER])])
    none = replace(none, counts={**none.counts, Mask.WATER: Confusion(0, 0, 0, 100)})
    row = row_of(tmp_path / "none.csv", none)
    assert (row["water_mask_f1"], row["water_mask_acc"], row["water_tn"]) == ("nan", "1.0", "100")


def test_sensors_are_told_apart(tmp_path, scenes, ours):
    fmask = replace(verdict(scenes, "fmask", plain=True), sensors={"": ours.counts})
    write_sensors(tmp_path / "sensors.csv", [ours, fmask])
    table = pd.read_csv(tmp_path / "sensors.csv")
    assert set(zip(table.contender, table.sensor, strict=True)) == {
        ("ours", "L30"),
        ("ours", "S30"),
        ("fmask", "unknown"),
    }
    for sensor in ("L30", "S30"):
        truth, chances = pooled([scene for scene in scenes if scene.sensor == sensor], Mask.CLOUD)
        found = table[(table.sensor == sensor) & (table["mask"] == "cloud")].iloc[0]
        assert found.f1 == pytest.approx(f1_score(truth, chances > np.float32(0.5)), abs=1e-12)
        assert found.tp + found.fn == truth.sum()
    assert table[table.contender == "fmask"].threshold.isna().all()


def test_comparison_has_a_row_for_each_contender_and_mask(tmp_path, scenes, ours):
    strange = 'a "b",\nc'
    masks = (Mask.WATER, Mask.CLOUD)
    write_comparison(tmp_path / "comparison.csv", [ours, verdict(scenes, strange, masks=masks, plain=True)])
    table = pd.read_csv(tmp_path / "comparison.csv", index_col=["contender", "mask"])
    assert list(table.index) == [*(("ours", mask.value) for mask in Mask), (strange, "water"), (strange, "cloud")]
    for mask in Mask:
        truth, chances = pooled(scenes, mask)
        found = table.loc["ours", mask.value]
        rounded = np.ceil(chances.astype(np.float64) * 1000 - 1e-4) / 1000
        assert found.average_precision == pytest.approx(average_precision_score(truth, rounded), abs=1e-4)
        assert (found.f1_low, found.f1_high) == pytest.approx((found.f1 - 0.02, found.f1 + 0.02))
        assert found.boundary_f1 == ours.boundary[mask]
        assert found.tp + found.fp + found.fn + found.tn == len(truth)
    plain = table.loc[strange]
    assert plain[["threshold", "average_precision", "calibration_error"]].isna().all(axis=None)
    assert plain.f1.notna().all()


def colours(picture, box):
    return Counter(map(tuple, np.asarray(picture.crop(box)).reshape(-1, 3)))


def test_picture_shows_the_labels_and_what_was_said(tmp_path, ours):
    """A cell of 64 x 64 pixels is enlarged three times: its share of water's colour is the share of water."""
    write_picture(tmp_path / "ours.png", ours)
    with Image.open(tmp_path / "ours.png") as picture:
        assert picture.format == "PNG"
        picture.load()
    assert 1500 < picture.width < 2600
    step = 200
    left, top = 28, next(y for y in range(picture.height) if picture.getpixel((28 + 64, y)) == (200, 204, 209)) + 1
    for cell, planes in ((1, ours.shown[0].truth), (2, ours.shown[0].said)):
        box = (left + cell * step, top, left + cell * step + 192, top + 192)
        found = colours(picture, box)
        assert found[COLOURS["water"]] == 9 * (planes[0] == 1).sum()
        assert found[NOT_THERE] == 9 * (planes[0] == 0).sum()


@pytest.fixture(scope="module")
def big():
    return Scene(1, 768, skill=1)


def test_picture_has_cells_of_one_size_whatever_the_samples(tmp_path, big):
    mixed = verdict([Scene(1, 64), Scene(2, 100), big])
    write_picture(tmp_path / "mixed.png", mixed)
    with Image.open(tmp_path / "mixed.png") as picture:
        assert picture.size == (11 * 192 + 10 * 8 + 56, 28 * 2 + 48 + 22 + 3 * (36 + 192) + 44)


def test_picture_of_one_mask_of_nothing_and_of_no_sample(tmp_path):
    one = verdict([Scene(1, masks=(Mask.CLOUD,))], masks=(Mask.CLOUD,))
    blank = replace(one, shown=tuple(replace(each, truth=np.full_like(each.truth, 255)) for each in one.shown))
    dark = replace(one, shown=tuple(replace(each, bands=np.full_like(each.bands, np.nan)) for each in one.shown))
    wide = replace(one, shown=tuple(cut(each, np.s_[..., :20, :]) for each in one.shown))
    none = replace(one, shown=())
    unjudged = replace(one, counts={Mask.CLOUD: Confusion()})
    long = replace(one, name="n" * 3000)
    for at, each in enumerate((one, blank, dark, wide, none, unjudged, long)):
        write_picture(tmp_path / f"{at}.png", each)
        with Image.open(tmp_path / f"{at}.png") as picture:
            assert 400 < picture.width < 1000


def cut(shown, place):
    return replace(shown, bands=shown.bands[place], truth=shown.truth[place], said=shown.said[place])


def test_errors_are_marked_where_they_are():
    shown = Scene(3).shown()
    picture = np.asarray(Panels(shown, 192).errors([Mask.WATER]))
    truth, said = (np.kron(planes[0], np.ones((3, 3), np.uint8)) for planes in (shown.truth, shown.said))
    missed, false = ((picture == colour).all(axis=-1) for colour in (MISSED, FALSE))
    assert (missed == ((truth == 1) & (said == 0))).all()
    wrong = (truth == 0) & (said == 1)
    assert not (false & ~wrong).any()
    assert 0.3 < false.sum() / wrong.sum() < 0.7  # stripes


class Page(HTMLParser):
    """Reads a page, and fails where an element is not closed or closed twice."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.found, self.words, self.text = [], [], [], text
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())


def page(path, *verdicts, **changes):
    write_report(path, verdicts, about(**changes))
    read = Page(path.read_text(encoding="utf-8"))
    assert len(read.text) < 3_000_000
    assert not read.all("script", "link", "iframe", "object")
    for attributes in (attributes for _, attributes in read.found):
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "data:image/").startswith("data:image/")
    assert not re.search(r"url\((?!#)|@import", read.text)
    named = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    assert len(named) == len(set(named))
    for attributes in read.all("svg"):
        assert attributes.get("aria-hidden") or set(attributes["aria-labelledby"].split()) <= set(named)
    assert all(attributes["alt"] for attributes in read.all("img"))
    assert len(read.all("table")) == len(read.all("caption"))
    return read


def test_report_tells_scores_and_circumstances(tmp_path, scenes, ours):
    read = page(tmp_path / "ours.html", ours)
    for words in ("ours.safetensors", "0123456789abcdef", "2025-03-04", about().thresholds, about().notes[0]):
        assert words in read.said
    for mask in Mask:
        truth, chances = pooled(scenes, mask)
        f1 = f1_score(truth, chances > np.float32(THRESHOLDS[mask]))
        assert f"{f1:.3f}" in read.said
        assert f"{f1 - 0.02:.3f} to {f1 + 0.02:.3f}" in read.said
        rounded = np.ceil(chances.astype(np.float64) * 1000) / 1000
        assert f"AP {average_precision_score(truth, rounded):.3f}" in read.said
    for sensor in ("L30", "S30"):
        assert sensor in read.said


def test_report_says_how_it_was_judged(tmp_path, ours):
    read = page(tmp_path / "ours.html", ours, benchmark="People of 2020", protocol="Cut to 64 pixels.", notes=())
    assert "People of 2020" in read.said
    assert "Cut to 64 pixels." in read.said
    assert "To know" not in read.said
    assert "published: " in page(tmp_path / "theirs.html", ours, published_scoring=True).said


def test_curve_passes_through_the_mark_of_its_threshold(tmp_path, ours):
    text = page(tmp_path / "ours.html", ours).text
    for mask in Mask:
        chart = re.search(rf'<svg[^>]*aria-labelledby="precision-recall-{mask}-.*?</svg>', text).group()
        line = re.search(r'<polyline points="([^"]*)"', chart).group(1)
        points = np.array([[float(part) for part in point.split(",")] for point in line.split()])
        marks = re.findall(r'transform="translate\(([\d.]+) ([\d.]+)\)" class="mark', chart)
        assert len(marks) == 2  # in the chart and in its key
        assert min(np.hypot(*(points - np.array(at, float)).T).min() for at in marks) < 0.2
        assert f"above {THRESHOLDS[mask]:g}, AP" in chart


def test_contenders_are_told_apart_and_the_best_is_marked(tmp_path, ours):
    worse = verdict([Scene(number, skill=2) for number in range(4)], "fmask", plain=True)
    read = page(tmp_path / "both.html", ours, worse)
    for mask in Mask:
        chart = re.search(rf'<svg[^>]*aria-labelledby="precision-recall-{mask}-.*?</svg>', read.text).group()
        assert 'class="mark who-1"' in chart
        assert 'class="line who-1"' not in chart
        assert 'class="line who-0"' in chart
    [table] = re.findall(r"<caption>Scores of each mask.*?</table>", read.text)
    stars = [Page(row).said for row in re.findall(r"<tr>.*?</tr>", table) if "★" in row]
    assert len(stars) == len(Mask)
    assert all("ours" in row for row in stars)
    assert "★" not in page(tmp_path / "ours.html", ours).said


def test_what_is_taken_for_what(tmp_path, scenes, ours):
    """Rows are what is true: the diagonal is scikit-learn's recall, the rest shares of the same pixels."""
    text = page(tmp_path / "ours.html", ours).text
    [table] = re.findall(r"<caption>What ours said of what is there.*?</table>", text)
    found = np.array([float(cell) for cell in re.findall(r"<td[^>]*>([\d.]+) %", table)]).reshape(6, 6) / 100
    truth, chances = zip(*(pooled(scenes, mask) for mask in Mask), strict=True)
    said = [part > np.float32(THRESHOLDS[mask]) for mask, part in zip(Mask, chances, strict=True)]
    for row in range(5):
        assert found[row, row] == pytest.approx(recall_score(truth[row], said[row]), abs=6e-4)
        shares = [each[truth[row] == 1].mean() for each in said]
        assert found[row, :5] == pytest.approx(shares, abs=6e-4)
    none = np.all([part == 0 for part in truth], axis=0)
    assert found[5, :5] == pytest.approx([each[none].mean() for each in said], abs=6e-4)
    assert found[5, 5] == pytest.approx(1 - np.any(said, axis=0)[none].mean(), abs=6e-4)


def test_worst_samples_are_pictures_within_the_page(tmp_path, big):
    found = verdict([big])
    read = page(tmp_path / "big.html", replace(found, worst=found.worst * 7))
    images = read.all("img")
    assert len(images) == 4 * 6
    for image in images:
        kind, data = image["src"].split(";base64,")
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            picture.load()
        assert kind == f"data:{Image.MIME[picture.format]}"
        assert (str(picture.width), str(picture.height)) == (image["width"], image["height"])
        assert picture.width >= 200
    assert big.name in images[0]["alt"]


def test_names_are_not_taken_for_html(tmp_path):
    evil = '<script src="https://x">&"\''
    scene = Scene(1, sensor=evil)
    scene.name = evil
    found = verdict([scene, Scene(2)], evil)
    texts = dict.fromkeys(("checkpoint", "version", "data", "thresholds", "date", "benchmark", "protocol"), evil)
    read = page(tmp_path / "evil.html", found, replace(found, name=evil + "2"), notes=(evil,), **texts)
    assert read.said.count(evil) > 10


def test_report_of_extremes_is_whole(tmp_path, ours):
    """Every case is read as a page by `page` itself."""
    nan = {mask: dict.fromkeys(SCORES, (NAN, NAN)) for mask in Mask}
    cloud = verdict([Scene(1, masks=(Mask.CLOUD,), sensor="")], masks=(Mask.CLOUD,))
    never = verdict([Scene(1, absent=tuple(Mask))])
    unlabelled = verdict([Scene(1, unknown=tuple(Mask))])
    cases = {
        "one mask": (cloud, replace(cloud, name="other")),
        "nothing there": (never,),
        "nothing there, nothing said": (replace(never, counts=dict.fromkeys(Mask, Confusion(quiet=9))),),
        "no intervals": (replace(ours, intervals=nan, boundary=dict.fromkeys(Mask, NAN)),),
        "not one interval": (replace(ours, intervals={}, boundary={}),),
        "no probabilities": (verdict([Scene(1)], "fmask", plain=True),),
        "no picture": (replace(ours, shown=(), worst=()),),
        "nothing labelled": (unlabelled,),
        "no snow labelled": (verdict([Scene(1, unknown=[Mask.SNOW_ICE])]),),
        "eight contenders": tuple(replace(ours, name=f"contender {at}") for at in range(8)),
        "other masks than ours": (cloud, ours),
    }
    reads = {name: page(tmp_path / f"{at}.html", *verdicts) for at, (name, verdicts) in enumerate(cases.items())}
    for name, read in reads.items():
        assert "nan" not in read.said.lower(), name
    assert "water" not in reads["one mask"].said.replace("no positive pixel of snow/ice", "")
    assert "The sensor of the samples is not known." in reads["one mask"].said
    assert "Calibration" not in reads["no probabilities"].said
    assert "Nothing is judged" in reads["nothing labelled"].said
    assert not reads["nothing labelled"].all("table", "svg")
    assert "Not judged, as no pixel of them is labelled: snow/ice." in reads["no snow labelled"].said
    assert "contender 7" in reads["eight contenders"].said
    assert "terrain shadow" in reads["other masks than ours"].said


def test_nothing_is_half_written_where_it_cannot_be(tmp_path, ours):
    (tmp_path / "file").write_text("in the way")
    place = tmp_path / "file" / "out"
    for write in (
        lambda: row_of(place, ours),
        lambda: write_sensors(place, [ours]),
        lambda: write_comparison(place, [ours]),
        lambda: write_picture(place, ours),
        lambda: write_report(place, [ours], about()),
    ):
        with pytest.raises(OutputError, match="out cannot be written"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ValueError, match="no verdict"):
        write_report(tmp_path / "none.html", [], about())
