"""What is written is what was given, whole, and readable by others."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning
from rio_cogeo import cog_validate

from hlsmask.errors import OutputError
from hlsmask.products.cog import CogWriter
from hlsmask.products.palette import LAYERS
from hlsmask.products.qa import TAGS, colour_table
from hlsmask.windows import Window

UTM = "EPSG:32616"
NORTH_UP = Affine(30, 0, 399960, 0, -30, 4200000)


def blobs(shape, bands=6, seed=0):
    """Masks of 0, 1 and 255 with large connected parts."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.uint8([0, 0, 1, 255]), (bands, shape[0] // 37 + 1, shape[1] // 37 + 1))
    return np.ascontiguousarray(coarse.repeat(37, 1).repeat(37, 2)[:, : shape[0], : shape[1]])


def windows(shape, step):
    for row in range(0, shape[0], step):
        for col in range(0, shape[1], step):
            yield Window(row, col, min(step, shape[0] - row), min(step, shape[1] - col))


def write(path, geobox, data, names=LAYERS, step=512, **options):
    parts = list(windows(data.shape[1:], step))
    np.random.default_rng(1).shuffle(parts)
    with CogWriter(path, geobox, names, **options) as writer:
        for part in parts:
            writer.write(part, data[(slice(None), *part.slices)])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # the judges open the file too
@pytest.mark.parametrize(("crs", "transform"), [(UTM, NORTH_UP), (None, Affine.identity()), (None, NORTH_UP)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 2), (465, 283), (513, 1030)])
def test_any_shape_comes_back_as_a_valid_cog(tmp_path, shape, crs, transform):
    data, path = blobs(shape), tmp_path / "scene.masks.tif"
    write(path, GeoBox(shape, transform, crs), data, tags={"hlsmask": "0.1", "note": "ä b"}, resampling="mode")

    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), data)
        assert file.descriptions == LAYERS
        assert file.nodatavals == (255,) * 6
        assert file.tags()["note"] == "ä b"
        assert file.transform == transform
        assert file.crs == (None if crs is None else rasterio.CRS.from_string(crs))
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene.masks.tif"]


def test_one_column_has_no_overviews(tmp_path):
    data, path = blobs((700, 1)), tmp_path / "a.tif"
    write(path, GeoBox((700, 1), NORTH_UP, UTM), data)
    valid, errors, _ = cog_validate(path)  # strict wants overviews, whose decimation it then calls invalid
    assert (valid, errors) == (True, [])
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), data)


def test_a_scene_without_a_place_causes_no_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotGeoreferencedWarning)
        write(tmp_path / "a.tif", GeoBox((9, 9), Affine.identity(), None), blobs((9, 9)))
    assert (tmp_path / "a.tif").is_file()


def test_a_whole_granule_has_overviews_of_classes_only(tmp_path):
    data, path = blobs((3660, 3660), 2), tmp_path / "a.tif"
    write(path, GeoBox((3660, 3660), NORTH_UP, UTM), data, ["a", "b"], resampling="mode")
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as file:
        assert file.overviews(1) == [2, 4, 8]
        assert set(np.unique(file.read(out_shape=(2, 457, 457)))) == {0, 1, 255}
        np.testing.assert_array_equal(file.read(), data)


@pytest.mark.parametrize(
    ("shape", "factors"),
    [((512, 512), []), ((520, 40), [2]), ((1024, 512), [2]), ((40, 2048), [2, 4]), ((4096, 16), [2, 4, 8])],
    ids=str,
)
def test_overviews_go_down_to_one_block(tmp_path, shape, factors):
    data, path = blobs((-(-shape[0] // 8), -(-shape[1] // 8))).repeat(8, 1).repeat(8, 2), tmp_path / "a.tif"
    data = data[:, : shape[0], : shape[1]]
    write(path, GeoBox(shape, NORTH_UP, UTM), data)
    with rasterio.open(path) as file:
        assert file.overviews(1) == factors
    for level, factor in enumerate(factors):
        with rasterio.open(path, overview_level=level) as file:
            np.testing.assert_array_equal(file.read(), data[:, ::factor, ::factor])


def test_windows_need_not_be_aligned(tmp_path):
    data = blobs((700, 900))
    write(tmp_path / "a.tif", GeoBox((700, 900), NORTH_UP, UTM), data, step=333)
    with rasterio.open(tmp_path / "a.tif") as file:
        np.testing.assert_array_equal(file.read(), data)


def test_what_no_window_covers_is_nodata(tmp_path):
    with CogWriter(tmp_path / "a.tif", GeoBox((600, 600), NORTH_UP, UTM), ["a", "b"]) as writer:
        writer.write(Window(0, 0, 512, 512), np.zeros((2, 512, 512), np.uint8))
    with rasterio.open(tmp_path / "a.tif") as file:
        data = file.read()
    assert (data[:, :512, :512] == 0).all()
    assert (data[:, 512:] == 255).all()
    assert (data[:, :, 512:] == 255).all()


@pytest.mark.parametrize("bands", [1, 3, 4, 5])
def test_bands_are_no_colours(tmp_path, bands):
    data = blobs((40, 50), bands)
    write(tmp_path / "a.tif", GeoBox((40, 50), NORTH_UP, UTM), data, LAYERS[:bands])
    with rasterio.open(tmp_path / "a.tif") as file:
        names = {interpretation.name for interpretation in file.colorinterp}
        np.testing.assert_array_equal(file.read(), data)
    assert names <= {"gray", "undefined"}


def test_a_quality_byte_keeps_its_colours_and_bit_description(tmp_path):
    data = blobs((600, 600), 1)
    write(tmp_path / "a.tif", GeoBox((600, 600), NORTH_UP, UTM), data, ["qa"], tags=TAGS, colormap=colour_table())
    assert cog_validate(tmp_path / "a.tif", strict=True) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.colormap(1)[1 << 5] == colour_table()[1 << 5]
        assert "1      cloud\n" in file.tags()["Fmask bit description"]
        assert file.tags()["_FillValue"] == "255"


def test_an_exception_leaves_nothing_and_spares_what_was_there(tmp_path):
    path, geobox = tmp_path / "a.tif", GeoBox((600, 600), NORTH_UP, UTM)
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), CogWriter(path, geobox, ["a"]) as writer:  # noqa: PT012 - the block is the test
        writer.write(Window(0, 0, 512, 512), np.zeros((1, 512, 512), np.uint8))
        (scratch,) = (entry.name for entry in tmp_path.iterdir() if entry.is_dir())
        raise KeyboardInterrupt
    assert scratch.startswith(".")
    assert scratch.endswith(".partial")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tif"]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize(
    ("window", "data"),
    [
        (Window(0, 0, 5, 5), np.zeros((1, 5, 5), np.int16)),
        (Window(0, 0, 5, 5), np.zeros((2, 5, 5), np.uint8)),
        (Window(0, 0, 5, 5), np.zeros((1, 5, 6), np.uint8)),
        (Window(6, 0, 5, 5), np.zeros((1, 5, 5), np.uint8)),
    ],
)
def test_data_that_does_not_fit_is_refused(tmp_path, window, data):
    writer = CogWriter(tmp_path / "a.tif", GeoBox((10, 10), NORTH_UP, UTM), ["a"])
    with pytest.raises(ValueError, match=r"a\.tif"), writer:
        writer.write(window, data)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/a\.tif cannot be written"):
        CogWriter(tmp_path / "file" / "a.tif", GeoBox((10, 10), NORTH_UP, UTM), ["a"])


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from hlsmask.errors import OutputError
from hlsmask.products.cog import CogWriter
from hlsmask.windows import Window

folder, when = Path(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = np.random.default_rng(0).integers(0, 256, (2, 512, 1024), dtype=np.uint8)
for limit in map(int, sys.argv[3:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    try:
        geobox = GeoBox((1024, 1024), Affine(30, 0, 0, 0, -30, 0), "EPSG:32616")
        with CogWriter(folder / "a.tif", geobox, ["a", "b"]) as w:
            if when == "writing":
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            w.write(Window(0, 0, 512, 1024), noise)
            w.write(Window(512, 0, 512, 1024), noise)
            if when == "closing":
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    except OutputError as error:
        sys.stdout.write(f"{limit} {error}\\n")
        if list(folder.iterdir()):
            sys.stdout.write(f"left behind: {list(folder.iterdir())}\\n")
    else:
        sys.stdout.write(f"{limit} written\\n")
        (folder / "a.tif").unlink()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits on the size of files")
@pytest.mark.parametrize("when", ["writing", "closing"])
def test_a_full_disk_is_never_taken_for_success(tmp_path, when):
    limits = [1000, 600_000, 2_000_000, 2_098_000, 2_150_000, 2_600_000, 9_000_000]
    run = [sys.executable, "-c", DISK_FULL, tmp_path, when, *map(str, limits)]
    lines = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == len(limits), lines
    assert lines[-1] == "9000000 written"
    for line in lines[:-1]:
        assert "a.tif cannot be written" in line
        assert "make room" in line


def test_what_gdal_says_nothing_about_is_a_sentence_too(tmp_path, monkeypatch):
    """As it fails on some full disks."""

    def fail(*_, **__):
        raise SystemError("Unknown GDAL Error")

    monkeypatch.setattr(rasterio.shutil, "copy", fail)
    with pytest.raises(OutputError, match=r"a\.tif cannot be written: the disk did not take all of it"):
        write(tmp_path / "a.tif", GeoBox((40, 50), NORTH_UP, UTM), blobs((40, 50)))
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_scene(tmp_path):
    code = """
import resource, sys
from pathlib import Path
import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from hlsmask.products.cog import CogWriter
from hlsmask.windows import Window
rows = int(sys.argv[2])
part = np.random.default_rng(0).integers(0, 2, (6, 8, 32), dtype=np.uint8).repeat(64, 1).repeat(64, 2)
geobox = GeoBox((rows, 2048), Affine(30, 0, 0, 0, -30, 0), "EPSG:32616")
with rasterio.Env(GDAL_CACHEMAX=16), CogWriter(Path(sys.argv[1]), geobox, list("abcdef")) as w:
    for row in range(0, rows, 512):
        w.write(Window(row, 0, 512, 2048), part)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""
    peaks = []
    for rows in (1024, 6144):  # 12 and 72 MiB of masks
        run = [sys.executable, "-c", code, tmp_path / "a.tif", str(rows)]
        peaks.append(int(subprocess.run(run, check=True, capture_output=True, text=True).stdout))
    assert peaks[1] - peaks[0] < 30_000  # KiB


def test_the_scratch_compression_falls_back(tmp_path, monkeypatch):
    monkeypatch.setattr("hlsmask.products.cog._scratch_compression", lambda: {"compress": "deflate", "zlevel": 1})
    data = blobs((40, 50))
    write(Path(tmp_path, "a.tif"), GeoBox((40, 50), NORTH_UP, UTM), data)
    with rasterio.open(tmp_path / "a.tif") as file:
        np.testing.assert_array_equal(file.read(), data)
