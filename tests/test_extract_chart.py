"""Charts of sites: what is drawn is what the rows hold, with gaps, and nothing is written over something else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from hlsmask.archive.sites import Row, write_chart
from hlsmask.archive.sites.chart import file_names
from hlsmask.archive.sites.model import Estimate
from hlsmask.archive.sites.timeline import Timeline
from hlsmask.bands import BANDS, Band
from hlsmask.masks import Mask

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2023, 11, 3, 17, 49, 11, tzinfo=UTC)


def row(days, clear=50, level=0.05, **shares):
    medians = {
        f"{band}_{word}": level * factor * (at + 1) / 6 if clear else None
        for at, band in enumerate(BANDS)
        for word, factor in (("q25", 0.8), ("median", 1.0), ("q75", 1.3))
    }
    told = dict.fromkeys(Mask, 0.0) | {Mask(name): share for name, share in shares.items()}
    return Row("a", START + timedelta(days=days), f"granule {days}", "S30", 100, 1.0, 90, clear, told, medians)


def drawn(tmp_path, rows, bands=tuple(BANDS[:4]), estimate=None, site="Lake <Granby> & dam"):
    write_chart(tmp_path / "chart.svg", site, rows, bands, estimate)
    return ET.fromstring((tmp_path / "chart.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file


def series(count=36):
    """Return rows every eight days, the tenth to twelfth under cloud."""
    return [row(8 * at, 0 if 9 <= at < 12 else 50, cloud=1.0 if 9 <= at < 12 else 0.2) for at in range(count)]


def test_each_clear_date_has_a_mark_a_band_and_lines_leave_gaps(tmp_path):
    page = drawn(tmp_path, series())
    marks = [each for each in page.iter(f"{SVG}path") if each.get("fill")]
    assert len(marks) == 4 * 33 + 4  # the legend's too
    lines = list(page.iter(f"{SVG}polyline"))
    assert sorted(len(line.get("points").split()) for line in lines) == [9] * 4 + [24] * 4
    told = [title.text for title in page.iter(f"{SVG}title")]
    assert "2023-11-03 17:49 UTC, granule 0: blue 0.0083, quartiles 0.0067 to 0.0108" in told
    assert "2023-11-03 17:49 UTC, granule 0: 50 of 100 pixels are clear water, 90 observed; cloud 20 %" in "".join(told)


def test_no_line_leads_over_months_without_a_granule(tmp_path):
    rows = [row(0), row(8), row(100), row(108), row(300)]
    lines = list(drawn(tmp_path, rows, (Band.RED,)).iter(f"{SVG}polyline"))
    assert [len(line.get("points").split()) for line in lines] == [2, 2]


def test_marks_stand_where_the_values_say(tmp_path):
    page = drawn(tmp_path, [row(0, level=0.06), row(10, level=0.12)], (Band.SWIR2,))
    height = {}
    for text in page.iter(f"{SVG}text"):
        if text.get("text-anchor") == "end" and re.fullmatch(r"0\.?\d*", text.text):
            height.setdefault(float(text.text), float(text.get("y")) - 4)
    (a, ya), (b, yb) = sorted(height.items())[:2]
    marks = [mark.get("transform") for mark in page.iter(f"{SVG}path") if mark.get("fill")][:2]
    for place, level in zip(marks, (0.06, 0.12), strict=True):
        y = float(re.findall(r"[\d.]+", place)[1])
        assert a + (y - ya) / (yb - ya) * (b - a) == pytest.approx(level, abs=1e-3)


def test_columns_of_pixels_never_exceed_what_was_observed(tmp_path):
    rows = [row(0, 20, cloud=0.9, snow_ice=0.9, cloud_shadow=0.5), row(5, 90), row(10, 0, cloud=1.0)]
    page = drawn(tmp_path, rows)
    for group in page.iter(f"{SVG}g"):
        blocks = [
            (float(block.get("y")), float(block.get("y")) + float(block.get("height")))
            for block in group.iter(f"{SVG}rect")
        ]
        if len(blocks) > 1:
            whole, *parts = blocks
            assert all(whole[0] - 0.02 <= top <= bottom <= whole[1] + 0.02 for top, bottom in parts)
            ends = sorted(parts)
            assert all(before[1] <= after[0] + 0.02 for before, after in pairwise(ends))


@pytest.mark.parametrize("count", [1, 2, 5, 36, 150, 700])
def test_no_words_are_written_over_others_or_over_the_edge(tmp_path, count):
    rows = series(count)
    made = Estimate("chlorophyll_a", "mg m-3", tuple(12345.6 + at for at in range(count)))
    page = drawn(tmp_path, rows, BANDS, made, site="a" * 200)
    wide, high = (float(page.get(key)) for key in ("width", "height"))
    boxes = []
    for text in page.iter(f"{SVG}text"):
        if not text.text:
            continue
        size = 20 if text.get("class") == "title" else 12
        length = ImageFont.load_default(size).getlength(text.text)
        x, y = float(text.get("x")), float(text.get("y"))
        x -= {"middle": length / 2, "end": length}.get(text.get("text-anchor"), 0)
        boxes.append((x, y - size * 0.8, x + length, y + size * 0.2, text.text))
    assert len(boxes) > 15
    for left, top, right, bottom, words in boxes:
        assert left >= 0, words
        assert top >= 0, words
        assert right <= wide, words
        assert bottom <= high, words
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one[4], other[4])


def test_sites_without_clear_water_or_dates_say_so(tmp_path):
    made = Estimate("ssc", "", (None,))
    words = [text.text for text in drawn(tmp_path, [row(0, clear=0)], estimate=made).iter(f"{SVG}text")]
    assert {"no clear water on any date", "no ssc on any date"} <= set(words)
    undated = Row("a", None, "g", "", 1, 1.0, 0, 0, dict.fromkeys(Mask), row(0, 0).bands)
    assert "No row has a date to draw it at." in {text.text for text in drawn(tmp_path, [undated]).iter(f"{SVG}text")}


def test_names_are_written_as_they_are(tmp_path):
    page = drawn(tmp_path, series(3), site='Ünderwald <&> "湖"')
    assert 'Ünderwald <&> "湖"' in {text.text for text in page.iter(f"{SVG}text")}


def test_each_site_has_a_file_of_its_own():
    names = file_names(["a/b", "a b", "A_B", "../../etc", "湖", "", "a" * 300, "..."])
    assert names["a/b"] == "a_b.svg"
    assert len({name.casefold() for name in names.values()}) == 8
    assert all(re.fullmatch(r"[\w-][\w.-]{0,90}\.svg", name) for name in names.values())


@given(days=st.floats(0.0, 20000), start=st.integers(0, 20000))
def test_every_span_of_time_has_few_ticks_in_order(days, start):
    first = datetime(1984, 1, 1, tzinfo=UTC) + timedelta(days=start)
    line = Timeline.over([first, first + timedelta(days=days)], 70, 930)
    ticks = line.ticks()
    assert 1 <= len(ticks) <= 14
    places = [tick.x for tick in ticks]
    assert places == sorted(set(places))
    assert all(70 <= x <= 930 for x in places)
    assert line.x(first) > 70
