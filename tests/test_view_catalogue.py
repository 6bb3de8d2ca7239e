"""What `hlsmask view` finds in a folder."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from hlsmask.archive.catalogue import write_catalogue
from hlsmask.errors import UnreadableError
from hlsmask.view.catalogue import Catalogue
from hlsmask.view.table import read_table
from view_results import write_place, write_result

TIME = datetime(2024, 7, 8, 17, 49, tzinfo=UTC)


@pytest.fixture
def out(tmp_path):
    """Two scenes of a day, the later one first by name, and one of the day after."""
    write_place(tmp_path / "out", "b", TIME, crs="EPSG:32614")
    write_place(tmp_path / "out", "a", TIME + timedelta(minutes=5))
    write_place(tmp_path / "out", "c", TIME + timedelta(days=1))
    return tmp_path / "out"


def names(contents):
    return {day: [result.id for result in results] for day, results in contents.days.items()}


def test_days_and_scenes_are_in_order(out):
    contents = Catalogue(out).contents
    assert names(contents) == {"2024-07-08": ["b", "a"], "2024-07-09": ["c"]}
    assert contents.count == 3
    assert not contents.broken


def test_the_folder_of_one_scene_is_enough(out, monkeypatch):
    assert names(Catalogue(out / "c").contents) == {"2024-07-09": ["c"]}
    monkeypatch.chdir(out / "c")
    assert names(Catalogue(Path()).contents) == {"2024-07-09": ["c"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is no STAC Item"),
        ('{"type": "Feature", "collection": "another"}', "is no STAC Item that hlsmask wrote"),
        ('{"type": "Feature", "collection": "hlsmask"}', "holds no datetime"),
        (
            '{"type": "Feature", "collection": "hlsmask", "properties": {"datetime": "2024-07-08"}, "bbox": [1, 2]}',
            "holds a bbox that is not west, south, east and north",
        ),
    ],
)
def test_a_broken_item_is_named_and_the_others_are_shown(out, text, why):
    (out / "a" / "a.json").write_text(text, encoding="utf-8")
    contents = Catalogue(out).contents
    assert names(contents) == {"2024-07-08": ["b"], "2024-07-09": ["c"]}
    assert list(contents.broken) == ["a"]
    assert why in contents.broken["a"]
    assert str(out / "a" / "a.json") in contents.broken["a"]


def test_results_without_their_masks_are_named(out):
    (out / "a" / "a.masks.tif").unlink()
    assert "a.masks.tif is missing" in Catalogue(out).contents.broken["a"]


def test_what_is_no_result_is_passed_over(out):
    (out / "notes").mkdir()
    (out / ".a.partial").mkdir()
    (out / ".a.partial" / ".a.partial.json").write_text("{}", encoding="utf-8")
    (out / "collection.json").write_text("{}", encoding="utf-8")
    assert Catalogue(out).contents.count == 3


def test_what_changes_is_seen_when_it_looks_again(out):
    catalogue = Catalogue(out)
    write_place(out, "d", TIME)
    (out / "c" / "c.json").unlink()
    (out / "a" / "a.json").write_text("{", encoding="utf-8")
    assert names(catalogue.refresh()) == {"2024-07-08": ["b", "d"]}
    assert list(catalogue.contents.broken) == ["a"]


def test_a_scene_without_a_place_is_told_apart(out):
    box = GeoBox((8, 8), Affine.identity(), None)
    write_result(out, "nowhere", box, TIME, masks=np.zeros((6, 8, 8), np.uint8))
    contents = Catalogue(out).contents
    assert [result.id for result in contents.placeless] == ["nowhere"]
    assert contents.count == 3


def test_the_table_tells_what_the_items_do(out, monkeypatch):
    write_place(out, "far", TIME, crs="EPSG:32660", corner=(735865, 5000000))
    plain = Catalogue(out).contents
    west, _, east, _ = next(each.bbox for each in plain.days["2024-07-08"] if each.id == "far")
    assert west > 179 > -179 > east
    write_catalogue(out)
    monkeypatch.setattr("hlsmask.view.catalogue.read_result", None)  # no Item is opened
    assert Catalogue(out).contents == plain


def test_an_item_that_is_newer_than_the_table_counts(out):
    write_catalogue(out)
    item = json.loads((out / "a" / "a.json").read_text(encoding="utf-8"))
    item["properties"]["datetime"] = "2020-01-01T00:00:00Z"
    (out / "a" / "a.json").write_text(json.dumps(item), encoding="utf-8")
    written = (out / "items.parquet").stat().st_mtime_ns
    os.utime(out / "a" / "a.json", ns=(written + 1, written + 1))
    assert list(Catalogue(out).contents.days) == ["2020-01-01", "2024-07-08", "2024-07-09"]


def test_a_table_that_is_none_is_passed_over(out):
    (out / "items.parquet").write_bytes(b"not parquet")
    assert read_table(out) == (0, {})
    assert Catalogue(out).contents.count == 3


def test_a_folder_without_results_is_refused_in_one_sentence(tmp_path, out):
    with pytest.raises(UnreadableError, match="nothing is not there; name the folder"):
        Catalogue(tmp_path / "nothing")
    with pytest.raises(UnreadableError, match=r"a\.json is no folder; name the folder"):
        Catalogue(out / "a" / "a.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match="empty holds no results; name the folder that hlsmask predict wrote to"):
        Catalogue(tmp_path / "empty")
    write_catalogue(out)
    with pytest.raises(UnreadableError, match=f"holds no results; did you mean {out}"):
        Catalogue(tmp_path)


def test_a_folder_of_broken_results_says_what_is_wrong_with_one(out):
    for name in "abc":
        (out / name / f"{name}.json").write_text("{", encoding="utf-8")
    with pytest.raises(UnreadableError, match=r"holds nothing that can be shown: .*a\.json is not JSON"):
        Catalogue(out)
