"""Results in object storage, looked at as those in a folder."""

import json
import shutil
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


@pytest.fixture
def masked_there(store, made, tmp_path):
    """Lay a granule into the store; return its results on this machine, as if they had been made of it there."""
    store.files.put(str(made / "granules" / FIRST), "basin/granules/", recursive=True)
    out = tmp_path / "masks"
    shutil.copytree(made / "masks" / FIRST, out / FIRST)
    item = out / FIRST / f"{FIRST}.json"
    text = item.read_text(encoding="utf-8")
    assert str(made / "granules") in text
    item.write_text(text.replace(str(made / "granules"), "s3://basin/granules"), encoding="utf-8")
    return out


def test_scenes_that_lie_elsewhere_are_read_from_there_if_asked(store, made, masked_there):
    longitude, latitude = place_of(made / "masks" / FIRST / f"{FIRST}.masks.tif", 31, 24)
    tile = tile_at(longitude, latitude, 12)

    def seen(out, **options):
        with serve(out, **options) as client:
            (scene,) = client.get(f"/api/days/{DAY}").json["scenes"]
            (values,) = client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}").json["scenes"]
            return scene, values, client.tile(DAY, "true_colour", tile).pixels

    scene, values, picture = seen(masked_there)
    assert "--remote reads it from there" in scene["true_colour_missing"]
    assert not values.get("reflectance")
    assert not picture.any()
    assert not asked_for(store, ".tif")
    scene, values, picture = seen(masked_there, remote=True)
    assert scene["true_colour"]
    _, theirs, drawn = seen(made / "masks" / FIRST, scenes=made / "granules")
    assert values == theirs
    assert len(values["reflectance"]) == 6
    assert (picture == drawn).all()
    assert (picture[..., 3] > 0).any()


def test_a_server_that_fails_is_asked_again_when_the_page_is_loaded_again(store, masked_there):
    tile = tile_at(*place_of(masked_there / FIRST / f"{FIRST}.masks.tif", 31, 24), 12)
    with serve(masked_there, remote=True) as client:
        store.refuses = True
        assert client.tile(DAY, "true_colour", tile).status == 500
        assert not client.tile(DAY, "true_colour", tile).pixels.any()  # the others of the day are drawn without it
        store.refuses = False
        client.get("/api/results")
        assert client.tile(DAY, "true_colour", tile).pixels.any()


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
