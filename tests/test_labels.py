"""Labels: each rule by itself, then on simulated granules whose truth is known, then on real rivers."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.errors import NotGeoreferencedWarning
from scipy.ndimage import binary_dilation

from hlsmask.bands import HLS_FILL
from hlsmask.errors import GridError, MissingBandError, SourceError, UsageError
from hlsmask.granules.dswx_codes import VALUES
from hlsmask.inference.spectral import diagnostic, terrain_shadow, wtr1
from hlsmask.masks import Mask
from hlsmask.samples.labels import Rules, from_dswx, from_spectral, layers_needed, shad_layer
from hlsmask.samples.sample import reflectance
from hlsmask.testing import relief_parts, simulate_granule, simulate_product
from hlsmask.testing.dswx import product_layers

WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)

# Fmask bytes of plain sight, cloud, adjacent, shadow, snow, water
CLEAR, CLOUDY, BESIDE, SHADED, SNOWY, WET = 64, 64 | 2, 64 | 4, 64 | 8, 64 | 16, 64 | 32


def one(diag=0, wtr2=0, shad=1, cloud=None, fmask=CLEAR, **rules):
    """Return the five labels of one pixel."""
    if cloud is None:  # as DSWx makes it of Fmask
        cloud = (fmask & 12 > 0) | (fmask >> 4 & 1) << 1 | (fmask >> 1 & 1) << 2
    kinds = {"DIAG": np.uint16, "WTR-2": np.uint8, "SHAD": np.uint8, "CLOUD": np.uint8}
    values = (diag, wtr2, shad, cloud)
    layers = {name: np.full((1, 1), value, kind) for (name, kind), value in zip(kinds.items(), values, strict=True)}
    return from_dswx(layers, np.full((1, 1), fmask, np.uint8), Rules(**rules))[:, 0, 0].tolist()


# Each rule. The five labels: water, cloud, cloud shadow, snow/ice, terrain shadow


@pytest.mark.parametrize(
    ("pixel", "labels"),
    [
        ({}, [0, 0, 0, 0, 0]),
        ({"diag": 11111, "wtr2": 1}, [1, 0, 0, 0, 0]),
        ({"diag": 0, "wtr2": 1, "cloud": 8}, [1, 0, 0, 0, 0]),  # water by aerosol
        ({"diag": 11000, "wtr2": 2}, [255, 0, 0, 0, 0]),
        ({"diag": 11000, "wtr2": 2, "partial_water": "water"}, [1, 0, 0, 0, 0]),
        ({"diag": 11000, "wtr2": 2, "partial_water": "absent"}, [0, 0, 0, 0, 0]),
        ({"diag": 11111, "wtr2": 0}, [255, 0, 0, 0, 0]),  # open water that land cover took away
        ({"diag": 111, "wtr2": 0, "shad": 0}, [255, 0, 0, 0, 1]),  # that the slope took away
        ({"diag": 11000, "wtr2": 0, "shad": 0}, [0, 0, 0, 0, 1]),  # partial water taken away is none
        ({"wtr2": 254, "cloud": 254}, [255, 0, 0, 0, 0]),  # ocean by a map
        ({"shad": 255}, [0, 0, 0, 0, 255]),
        ({"wtr2": 255}, [255] * 5),
        ({"diag": 65535}, [255] * 5),
        ({"cloud": 255}, [255] * 5),
        ({"fmask": 255, "cloud": 0}, [255] * 5),
        ({"diag": 11111, "wtr2": 1, "fmask": CLOUDY}, [255, 1, 0, 255, 255]),
        ({"fmask": CLOUDY, "shad": 0}, [255, 1, 0, 255, 255]),
        ({"fmask": CLOUDY | SHADED | BESIDE}, [255, 1, 0, 255, 255]),  # real layers set them together
        ({"diag": 11111, "wtr2": 1, "fmask": SHADED}, [255, 0, 1, 255, 0]),
        ({"fmask": SHADED}, [255, 0, 1, 255, 0]),
        ({"fmask": SHADED, "shad": 0}, [255, 0, 255, 255, 1]),  # relief, or the shadow of a cloud
        ({"diag": 11111, "wtr2": 1, "fmask": BESIDE}, [1, 255, 255, 0, 0]),
        ({"fmask": BESIDE, "adjacent": "absent"}, [0, 0, 0, 0, 0]),
        ({"fmask": BESIDE, "adjacent": "shadow"}, [0, 0, 1, 0, 0]),
        ({"fmask": BESIDE | SHADED, "adjacent": "absent"}, [255, 0, 1, 255, 0]),
        ({"diag": 111, "wtr2": 1, "fmask": SNOWY}, [0, 0, 0, 1, 0]),  # bright snow always passes tests 1 to 3
        ({"diag": 111, "wtr2": 1, "fmask": SNOWY | BESIDE}, [0, 255, 255, 1, 0]),
        ({"diag": 1111, "wtr2": 1, "fmask": SNOWY}, [255, 0, 0, 255, 0]),  # silt
        ({"diag": 10000, "wtr2": 2, "fmask": SNOWY}, [255, 0, 0, 255, 0]),
        ({"diag": 111, "wtr2": 1, "fmask": SNOWY | WET}, [255, 0, 0, 255, 0]),  # Fmask says both
        ({"diag": 1111, "wtr2": 1, "fmask": SNOWY, "false_snow": "water"}, [1, 0, 0, 0, 0]),
        ({"diag": 10000, "wtr2": 2, "fmask": SNOWY, "false_snow": "water"}, [255, 0, 0, 255, 0]),
        ({"diag": 111, "wtr2": 1, "fmask": SNOWY, "false_snow": "water"}, [0, 0, 0, 1, 0]),
        ({"cloud": 4}, [255] * 5),  # the product saw another Fmask
        ({"cloud": 0, "fmask": CLOUDY}, [255] * 5),
        ({"cloud": 2}, [255] * 5),
    ],
)
def test_the_rules(pixel, labels):
    assert one(**pixel) == labels


@pytest.mark.parametrize("field", ["partial_water", "adjacent", "false_snow"])
def test_a_rule_that_does_not_exist_is_refused(field):
    with pytest.raises(UsageError, match=rf"--{field.replace('_', '-')} is 'both'; use unknown, "):
        Rules(**{field: "both"})


# What holds for any numbers


def any_of(layer):
    kind = np.uint16 if layer == "DIAG" else np.uint8
    return arrays(kind, (4, 9), elements=st.sampled_from(sorted(VALUES[layer])), fill=st.nothing())


rules = st.builds(
    Rules,
    st.sampled_from(["unknown", "water", "absent"]),
    st.sampled_from(["unknown", "absent", "shadow"]),
    st.sampled_from(["unknown", "water"]),
)
fmasks = arrays(np.uint8, (4, 9), elements=st.integers(0, 255), fill=st.nothing())


@given(st.fixed_dictionaries({name: any_of(name) for name in layers_needed()}), fmasks, rules)
def test_what_cannot_be_known_is_255(layers, fmask, chosen):
    labels = from_dswx(layers, fmask, chosen)
    assert (labels.shape, labels.dtype) == ((5, 4, 9), np.uint8)
    assert np.isin(labels, [0, 1, 255]).all()
    assert (labels[:, fmask == 255] == 255).all()
    hidden = (labels[CLOUD] == 1) | (labels[SHADOW] == 1) & (fmask & 8 > 0)
    assert (labels[np.ix_([WATER, SNOW])][:, hidden] == 255).all()
    assert (labels[TERRAIN][labels[CLOUD] == 1] == 255).all()
    assert not (labels == 1)[[WATER, SNOW]].all(axis=0).any()
    assert not (labels == 1)[[CLOUD, SHADOW]].all(axis=0).any()
    for row, col in np.ndindex(4, 9):  # a pixel's labels come from that pixel alone
        cut = {name: layer[row : row + 1, col : col + 1] for name, layer in layers.items()}
        alone = from_dswx(cut, fmask[row : row + 1, col : col + 1], chosen)
        assert alone[:, 0, 0].tolist() == labels[:, row, col].tolist()


bands = arrays(np.int16, (6, 4, 9), elements=st.integers(1, 2600) | st.integers(-1999, 16_000), fill=st.nothing())


@given(bands, fmasks, any_of("SHAD"), rules)
def test_without_land_cover_both_ways_give_the_same(bands, fmask, shad, chosen):
    shad &= 1
    land = np.full(shad.shape, 255, np.uint8)
    expected = from_dswx(product_layers(bands, fmask, shad, land), fmask, chosen)
    np.testing.assert_array_equal(from_spectral(bands, fmask, shad, chosen), expected)


def test_strips_leave_no_seam():
    granule = simulate_granule((500, 400), 3)
    layers = simulate_product(granule)
    whole, other = from_dswx(layers, granule.fmask), from_spectral(granule.bands, granule.fmask, layers["SHAD"])
    for rows in (slice(0, 123), slice(123, 500)):
        cut = {name: layer[rows] for name, layer in layers.items()}
        np.testing.assert_array_equal(from_dswx(cut, granule.fmask[rows]), whole[:, rows])
        part = from_spectral(granule.bands[:, rows], granule.fmask[rows], layers["SHAD"][rows])
        np.testing.assert_array_equal(part, other[:, rows])


# Against the truth


SEEDS = [0, 2, 5]


def perfect(granule):
    """Return the granule with the Fmask that would be right; without aerosol, so that the tests alone tell water."""
    water, cloud, shadow, snow = (granule.truth[mask] == 1 for mask in (WATER, CLOUD, SHADOW, SNOW))
    clear = ~cloud & ~shadow
    ring = binary_dilation(cloud | shadow, iterations=5) & clear
    fmask = cloud * 2 + ring * 4 + shadow * 8 + (snow & clear) * 16 + (water & clear) * 32
    return replace(granule, fmask=np.where(granule.observed, fmask, 255).astype(np.uint8))


@pytest.fixture(scope="module", params=SEEDS)
def seen(request):
    """A granule with a perfect Fmask, and the layers of its product."""
    granule = perfect(simulate_granule(320, request.param))
    return granule, simulate_product(granule)


@pytest.mark.parametrize("adjacent", ["unknown", "absent"])
def test_cloud_shadow_and_snow_are_true_where_fmask_is(seen, adjacent):
    granule, layers = seen
    labels = from_dswx(layers, granule.fmask, Rules(adjacent=adjacent))
    sight = granule.observed
    for mask in (CLOUD, SHADOW, SNOW):
        known = labels[mask] != 255
        np.testing.assert_array_equal(labels[mask][known], granule.truth[mask][known])
        assert not known[~sight].any()
    ring = granule.fmask & 14 == 4
    assert (labels[CLOUD] == 255).sum() == (~sight).sum() + (ring & sight).sum() * (adjacent == "unknown")
    there = (granule.truth[SHADOW] == 1) & (layers["SHAD"] == 1)
    assert (labels[SHADOW][there] == 1).all()
    bright = (granule.truth[SNOW] == 1) & (layers["DIAG"] < 1000) & (granule.fmask & 10 == 0)
    assert bright.sum() > 100
    assert (labels[SNOW][bright] == 1).all()
    clear = sight & (granule.fmask & 10 == 0)
    assert (labels[SNOW] == 255)[clear & (granule.truth[SNOW] == 0)].sum() == 0


def test_terrain_shadow_is_shad_wherever_the_ground_is_seen(seen):
    granule, layers = seen
    shad = relief_parts(granule.elevation, granule.sun).shad
    for labels in (from_dswx(layers, granule.fmask), from_spectral(granule.bands, granule.fmask, layers["SHAD"])):
        known = labels[TERRAIN] != 255
        np.testing.assert_array_equal(known, granule.observed & (granule.truth[CLOUD] == 0))
        np.testing.assert_array_equal(labels[TERRAIN][known] == 1, shad[known])
    both = known & (granule.truth[TERRAIN] == 0)  # the truth holds cast shadow too: what it calls lit is lit
    assert both.any()
    assert (labels[TERRAIN][both] == 0).mean() > 0.99  # but for slopes at the frame, which the truth sees beyond of


def test_water_is_true_where_the_tests_are(seen):
    granule, layers = seen
    labels = from_dswx(layers, granule.fmask)[WATER]
    classes = wtr1(diagnostic(reflectance(granule.bands)))
    open_water = np.isin(classes, [1, 2])
    truth, known = granule.truth[WATER], labels != 255
    assert not known[granule.truth[CLOUD] == 1].any()
    assert not known[granule.truth[SHADOW] == 1].any()
    assert not known[~granule.observed].any()
    right = (open_water == (truth == 1)) & (classes < 3)
    np.testing.assert_array_equal(labels[known & right], truth[known & right])
    assert (labels == truth)[known].mean() > 0.98
    clear = granule.observed & (granule.fmask & 26 == 0)
    assert known[clear & (truth == 0)].mean() > 0.85  # the rest is partial water, or dark slopes
    assert (labels == 1)[clear & (truth == 1) & open_water & (layers["LAND"] == 200)].all()
    partial = clear & (layers["WTR-2"] == 2)
    assert partial.any()
    assert (labels[partial] == 255).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_with_fmask_as_it_is_water_stays_true(seed):
    granule = simulate_granule(320, seed)
    layers = simulate_product(granule)
    for labels in (
        from_dswx(layers, granule.fmask),
        from_spectral(granule.bands, granule.fmask, layers["SHAD"]),
    ):
        known = (labels != 255) & (granule.truth != 255)
        agree = [(labels[mask] == granule.truth[mask])[known[mask]].mean() for mask in range(5)]
        assert agree[WATER] > 0.98
        assert agree[TERRAIN] > 0.99
        assert min(agree) > 0.9  # Fmask's own faults: thin cloud missed, patches of snow
        assert known[:, granule.observed].mean() > 0.6


def test_partial_water_as_water_finds_more_of_it(seen):
    granule, layers = seen
    usual, more = (from_dswx(layers, granule.fmask, Rules(partial_water=kind)) for kind in ("unknown", "water"))
    changed = usual[WATER] != more[WATER]
    assert (layers["WTR-2"][changed] == 2).all()
    assert (usual[WATER][changed] == 255).all()
    assert (more[WATER][changed] == 1).all()
    np.testing.assert_array_equal(usual[1:], more[1:])


# A DEM, and what does not fit


def test_a_dem_gives_the_layer_that_dswx_has():
    granule = simulate_granule(200, 1)
    shad = shad_layer(granule.elevation, granule.sun, 30.0)
    np.testing.assert_array_equal(shad == 0, terrain_shadow(granule.elevation, granule.sun, 30.0) == 1)
    np.testing.assert_array_equal(shad[1:-1, 1:-1], simulate_product(granule)["SHAD"][1:-1, 1:-1])
    holes = granule.elevation.copy()
    holes[50:60, 50:60] = np.nan
    assert (shad_layer(holes, granule.sun, 30.0)[50:60, 50:60] == 255).all()
    assert set(np.unique(shad)) == {0, 1}


def test_without_a_dem_terrain_shadow_is_not_known():
    granule = simulate_granule(128, 1)
    labels = from_spectral(granule.bands, granule.fmask)
    assert (labels[TERRAIN] == 255).all()
    assert (labels[WATER] == 1).any()


def test_bands_that_were_not_observed_have_no_labels():
    bands = np.full((6, 2, 2), 500, np.int16)
    bands[4, 0, 0] = HLS_FILL
    bands[:, 1, 1] = 0
    labels = from_spectral(bands, np.full((2, 2), CLEAR, np.uint8), np.ones((2, 2), np.uint8))
    assert (labels[:, [0, 1], [0, 1]] == 255).all()
    assert (labels[1:, 0, 1] == 0).all()


def test_what_does_not_fit_is_named():
    granule = simulate_granule(64, 0)
    layers, fmask = simulate_product(granule), granule.fmask
    with pytest.raises(MissingBandError, match="not there: SHAD, CLOUD"):
        from_dswx({name: layers[name] for name in ("DIAG", "WTR-2")}, fmask)
    with pytest.raises(GridError, match=r"WTR-2 has the shape \(63, 64\), Fmask has \(64, 64\)"):
        from_dswx(layers | {"WTR-2": layers["WTR-2"][1:]}, fmask)
    with pytest.raises(SourceError, match="WTR-2 holds 7; WTR-2 of DSWx-HLS holds 0, 1, 2, 254, 255"):
        from_dswx(layers | {"WTR-2": np.full_like(fmask, 7)}, fmask)
    with pytest.raises(SourceError, match=r"DIAG of DSWx-HLS holds five digits"):
        from_dswx(layers | {"DIAG": np.full(fmask.shape, 31, np.uint16)}, fmask)
    with pytest.raises(SourceError, match="int8"):
        from_dswx(layers, fmask.view(np.int8))
    with pytest.raises(SourceError, match="float32"):
        from_spectral(reflectance(granule.bands), fmask)
    with pytest.raises(GridError, match=r"\(5, 64, 64\)"):
        from_spectral(granule.bands[:5], fmask)
    with pytest.raises(SourceError, match="SHAD"):
        from_spectral(granule.bands, fmask, np.full_like(fmask, 3))


# Real rivers


def test_false_snow_on_muddy_rivers_does_not_become_snow(shared):
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(shared / "hls_chips.tif") as source:
        stored = source.read(range(1, 8))
    bands, fmask = stored[:6], np.where(stored[6] < 0, 255, stored[6]).astype(np.uint8)
    with np.load(shared / "hls_chips_labels.npz") as archive:
        river = (archive["water_reference"] == 1).reshape(fmask.shape)
    river[146 * 128 : 147 * 128] = False  # a salt pan, white as snow
    wrong = river & (fmask & 16 > 0) & (fmask != 255) & (fmask & 10 == 0)
    labels = from_spectral(bands, fmask)
    assert wrong.sum() > 30_000
    assert (labels[SNOW] == 1)[wrong].mean() < 0.03
    assert (labels[WATER] == 0)[wrong].mean() < 0.03
    trusted = from_spectral(bands, fmask, rules=Rules(false_snow="water"))
    assert (trusted[WATER] == 1)[wrong].mean() > 0.55
    bright = (fmask & 48 == 16) & (bands[3] > 2500) & (fmask & 10 == 0) & (bands[3] < 16_000)
    assert bright.sum() > 10_000
    assert (labels[SNOW] == 1)[bright].all()
    assert list(Mask)[SNOW] is Mask.SNOW_ICE
