"""Results in object storage, looked at as those in a folder."""

import json
from pathlib import Path

import pytest

from hlsmask.archive.bucket import Bucket
from hlsmask.errors import ServiceError, UnreadableError
from hlsmask.products.result import Products
from hlsmask.view import shelf
from hlsmask.view.catalogue import Catalogue
from object_store import storing
from view_results import FIRST, LATER, SAME_DAY, place_of, serve, tile_at, write_three

OUT = Path("s3://basin/masks")
DAY = "2024-07-08"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_three(tmp_path_factory.mktemp("made"))


@pytest.fixture
def store(monkeypatch, made):
    """Serve a store that holds what `made` does."""
    with storing(monkeypatch) as store:
        for folder in (made / "masks").iterdir():
            Bucket("s3://basin/masks").deliver(folder)
        store.asked.clear()
        yield store


def asked_for(store, ending):
    return [path for method, path in store.asked if method == "GET" and path.endswith(ending)]


def test_it_is_what_the_folder_is(store, made):
    longitude, latitude = place_of(made / "masks" / FIRST / f"{FIRST}.masks.tif", 31, 24)
    tile = tile_at(longitude, latitude, 12)
    answers = []
    for out in (made / "masks", OUT):
        with serve(out, made / "granules") as client:
            told = [client.get("/api/results").json, client.get(f"/api/days/{DAY}").json]
            assert not asked_for(store, ".tif")  # nothing was drawn yet
            told.append(client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}").json)
            told += [client.tile(DAY, layer, tile).body for layer in ("cloud", "probability_water", "true_colour")]
            answers.append(told)
    assert answers[0] == answers[1]
    assert sorted(Path(path).name for path in asked_for(store, ".tif")) == sorted(
        [f"{FIRST}.masks.tif", f"{FIRST}.probabilities.tif"]
    )  # once, and of the scene that was looked at alone


def test_a_single_result_is_looked_at_by_its_place(store, made):
    longitude, latitude = place_of(made / "masks" / FIRST / f"{FIRST}.masks.tif", 31, 24)
    with serve(OUT / FIRST) as client:
        told = client.get("/api/results").json
        point = client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}").json
        tile = client.tile(DAY, "cloud", tile_at(longitude, latitude, 12)).body
    with serve(made / "masks" / FIRST) as client:
        assert told == client.get("/api/results").json
        assert point == client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}").json
        assert tile == client.tile(DAY, "cloud", tile_at(longitude, latitude, 12)).body
    assert not [path for _, path in store.asked if LATER in path or SAME_DAY in path]


def test_what_was_made_anew_is_fetched_anew(store, made):
    place = place_of(made / "masks" / FIRST / f"{FIRST}.masks.tif", 31, 24)
    query = f"/api/days/{DAY}/point?lon={place[0]}&lat={place[1]}"
    with serve(OUT) as client:
        before = client.get(query).json["scenes"][0]["masks"]
        bucket, item = "basin/masks", f"{FIRST}/{FIRST}.json"
        store.files.cp_file(f"{bucket}/{LATER}/{LATER}.masks.tif", f"{bucket}/{FIRST}/{FIRST}.masks.tif")
        told = json.loads(store.files.cat(f"{bucket}/{item}")) | {"made": "anew"}
        store.files.pipe_file(f"{bucket}/{item}", json.dumps(told).encode())
        assert client.get(query).json["scenes"][0]["masks"] == before
        client.get("/api/results")
        assert client.get(query).json["scenes"][0]["masks"] != before


def test_what_was_not_looked_at_for_long_is_let_go(store, monkeypatch):
    monkeypatch.setattr(shelf, "_KEPT", 1)
    catalogue = Catalogue(OUT)
    first, other = (catalogue.contents.days[DAY][at] for at in (0, 1))
    for result in (first, first, other, first):
        catalogue.shelf.bring([result])
        assert result.masks.is_file()
    assert [Path(path).name for path in asked_for(store, ".masks.tif")] == [
        f"{result.id}.masks.tif" for result in (first, other, first)
    ]
    assert not Products(other.folder).masks.exists()
    assert {first.id, other.id} == {FIRST, SAME_DAY}


def test_a_result_without_masks_is_passed_over(store):
    store.files.rm(f"basin/masks/{LATER}/{LATER}.masks.tif")
    assert f"{LATER}.masks.tif is missing" in Catalogue(OUT).contents.broken[LATER]


def test_a_place_that_holds_none_or_refuses_is_one_sentence(store):
    with pytest.raises(UnreadableError, match=r"^s3://basin/nothing holds no results; name the folder"):
        Catalogue(Path("s3://basin/nothing"))
    store.refuses = True
    with pytest.raises(ServiceError, match=r"^s3://basin/masks cannot be listed"):
        Catalogue(OUT)
