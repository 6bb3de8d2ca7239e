"""Simulated samples: the physics that a user relies on, labels that say what is known, numbers that come again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import maximum_filter

from clear_ground import CLOUD, KINDS, SHADOW, SIZE, SNOW, STILL, TERRAIN, WATER, ground, with_clouds
from hlsmask.samples.simulate import Simulator, spectra
from hlsmask.samples.simulate.ground import Snow
from hlsmask.samples.simulate.sky import Air, Instrument, Light, Shadow
from hlsmask.sun import Sun


def test_nothing_happens_where_nothing_is_asked_for():
    bands, labels = ground()
    made, known = Simulator(STILL)(bands, labels, seed=0)
    assert torch.allclose(made, bands, atol=1e-4)
    assert torch.equal(known, labels)


@pytest.mark.parametrize(
    ("azimuth", "zenith", "height"), [(135, 45, 900), (20, 60, 600), (250, 30, 1500), (0, 50, 700)]
)
def test_a_shadow_lies_where_height_and_sun_put_it(azimuth, zenith, height):
    sun = Sun(azimuth, zenith)
    simulation = replace(STILL, clouds=with_clouds(height=(height, height), cover=(0.1, 0.1)))
    bands, labels = ground(water=0)
    made, _, parts = Simulator(simulation).render(bands, labels, seed=3, sun=sun)
    down, right = (step / 30 for step in sun.shadow_step(height))
    for window in range(len(made)):
        hidden, dark = parts.scene.opacity[window].numpy(), (bands - made)[window, 3].numpy().clip(0)
        dark[hidden > 0.02] = 0  # what cloud covers says nothing of the ground
        seen = np.fft.irfft2(np.fft.rfft2(dark) * np.conj(np.fft.rfft2(hidden)), s=hidden.shape)
        row, col = np.unravel_index(np.argmax(seen), seen.shape)
        off = ((row - down + 64) % SIZE - 64, (col - right + 64) % SIZE - 64)
        assert max(map(abs, off)) <= 3, off


def test_deep_shadow_keeps_the_light_of_the_sky_alone():
    clouds = with_clouds(cover=(0.3, 0.3), gain=(30, 30), most=(60, 60), height=(900, 900))
    simulation = replace(STILL, clouds=replace(clouds, glow=(0, 0)), shadow=Shadow(strength=(1, 1)))
    simulation = replace(simulation, light=Light(diffuse=(1, 1)))
    bands, labels = ground(water=0)
    made, known, parts = Simulator(simulation).render(bands, labels, seed=5, sun=Sun(150, 40))
    deep = (known[:, SHADOW] == 1) & (parts.scene.shade > 0.999) & (parts.scene.opacity < 1e-6)
    assert deep.sum() > 500
    for band, share in enumerate(spectra.SKYLIGHT):
        ratio = made[:, band][deep] / bands[:, band][deep]
        assert torch.allclose(ratio, torch.tensor(share), atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_cloud_and_shadow_labels_follow_their_thresholds(kind):
    simulation = replace(STILL, clouds=with_clouds(kind=kind))
    bands, labels = ground(4)
    _, known, parts = Simulator(simulation).render(bands, labels, seed=11)
    opacity, shade = parts.scene.opacity, parts.scene.shade
    assert torch.equal(known[:, CLOUD] == 1, opacity >= 0.12)
    assert torch.equal(known[:, CLOUD] == 255, (opacity >= 0.05) & (opacity < 0.12))
    open_sky = opacity < 0.05
    assert torch.equal((known[:, SHADOW] == 1)[open_sky], (shade >= 0.16)[open_sky])
    assert torch.equal((known[:, SHADOW] == 255)[open_sky], ((shade >= 0.055) & (shade < 0.16))[open_sky])
    assert not (known[:, SHADOW] == 1)[~open_sky].any()
    assert (known[:, SHADOW] == 0)[opacity >= 0.6].all()
    opaque = opacity >= 0.6
    for mask in (WATER, SNOW, TERRAIN):
        assert (known[:, mask] == 255)[opaque].all()
        assert torch.equal(known[:, mask][~opaque], labels[:, mask][~opaque])
    assert (known[:, CLOUD] == 1).any()


def test_the_rim_of_a_shadow_ends_half_way_down_to_its_core():
    simulation = replace(STILL, clouds=with_clouds(kind="broken"))
    bands, labels = ground(4)
    _, whole, parts = Simulator(simulation).render(bands, labels, seed=11)
    halved = replace(simulation, shadow=Shadow(edge_at=0.5, edge_doubt=0.35))
    made, known = Simulator(halved)(bands, labels, seed=11)
    shade, open_sky = parts.scene.shade.numpy(), (parts.scene.opacity < 0.05).numpy()
    core = np.stack([maximum_filter(one, size=7, mode="constant") for one in shade])
    shadow = known[:, SHADOW].numpy()
    there = (shade >= 0.16) & (shade >= 0.5 * core)
    maybe = (shade >= 0.055) & (shade >= 0.35 * core) & ~there
    sure = np.abs(shade - 0.5 * core) > 1e-6  # rounding
    assert np.array_equal((shadow == 1)[open_sky & sure], there[open_sky & sure])
    assert np.array_equal((shadow == 255)[open_sky & sure], maybe[open_sky & sure])
    assert ((whole[:, SHADOW].numpy() == 1) & (shadow == 0)).sum() > 100  # light ground beside a deep shadow
    assert (made == Simulator(simulation)(bands, labels, seed=11)[0])[~made.isnan()].all()


def test_what_is_called_cloud_is_brighter_than_the_ground_was():
    bands, labels = ground(8)
    made, known = Simulator(replace(STILL, clouds=with_clouds()))(bands, labels, seed=2)
    cloud = known[:, CLOUD] == 1
    assert ((made[:, 2] > bands[:, 2])[cloud]).float().mean() > 0.97
    assert made[:, 2][cloud].median() > 0.3


def test_towers_darken_the_cloud_behind_them_and_no_other():
    bands, labels = ground(8, water=0)
    clouds = replace(with_clouds(kind="broken", cover=(0.6, 0.6)), relief=(0, 0), glow=(0, 0))
    flat, towering = (replace(STILL, clouds=replace(clouds, towers=(high, high))) for high in (0, 900))
    before, _, parts = Simulator(flat).render(bands, labels, seed=6, sun=Sun(90, 60))
    after, known, _ = Simulator(towering).render(bands, labels, seed=6, sun=Sun(90, 60))
    darker = before - after
    assert darker.min() > -1e-5
    behind = darker[:, 1] > 0.05
    assert 0.02 < behind.float().mean() < 0.4
    opacity = parts.scene.opacity
    assert (opacity[behind] > 0.04).all()  # cloud is darkened, not the ground beside it
    east = torch.stack([opacity.roll(step, 2) for step in range(-36, 0)]).amax(0)  # towards the sun
    assert (east[behind] > 0.8).all()  # each lies behind something tall
    overhead = Simulator(towering)(bands, labels, seed=6, sun=Sun(90, 0))[0]
    assert torch.allclose(overhead, Simulator(flat)(bands, labels, seed=6, sun=Sun(90, 0))[0])
    assert (known[:, CLOUD] == 1).any()


def moved_down(after: torch.Tensor, before: torch.Tensor) -> float:
    """Return by how many rows one torus is the other moved, from the phases of its long waves."""
    cross = torch.fft.fft2(after)[1:7, 0] * torch.fft.fft2(before)[1:7, 0].conj()
    turns = cross.angle() / (-2 * np.pi) * after.shape[0] / torch.arange(1, 7)
    return float((turns * cross.abs()).sum() / cross.abs().sum())


def test_high_clouds_lie_elsewhere_in_each_band_as_far_as_a_sensor_moves_on_meanwhile():
    bands, labels = ground(6, water=0)
    bands *= 0.1  # so that all that is seen is cloud
    height = 1500
    clouds = with_clouds(height=(height, height), cover=(0.3, 0.3))
    still = replace(STILL, clouds=clouds, shadow=Shadow(strength=(0, 0)))
    instrument = replace(STILL.instrument, parallax=1, parallax_part=(1, 1))
    before, known = Simulator(still)(bands, labels, seed=3)
    after, same = Simulator(replace(still, instrument=instrument))(bands, labels, seed=3)
    assert torch.equal(known, same)
    assert torch.allclose(before[:, 1], after[:, 1], atol=1e-5)
    metres = height * 7440 / 786_000 * np.array([0, 0.527, 1.005, 2.055, 1.468, 2.085])  # since blue
    wanted = (metres - metres[1]) / 30 * np.cos(np.radians(11))
    signs = set()
    for window in range(6):
        found = [moved_down(after[window, band], before[window, band]) for band in range(6)]
        signs.add(np.sign(found[5]))
        np.testing.assert_allclose(np.array(found) * np.sign(found[5]), wanted, atol=0.06)
    assert signs == {-1, 1}  # detectors look ahead and back by turns

    some = replace(STILL.instrument, parallax=0.5)
    half = Simulator(replace(still, instrument=some))(bands, labels, seed=3)[0]
    assert 1 <= sum(not torch.allclose(half[k], before[k], atol=1e-5) for k in range(6)) <= 5


def test_cloud_that_no_eye_could_see_is_not_known():
    bands, labels = ground(8, water=0)
    bands[:, :, :, SIZE // 2 :] = 0.3  # as grey as thin cloud is
    clouds = replace(with_clouds(kind="thin"), brightness=(0.5, 0.5), glow=(0, 0), visible_from=0.02, relief=(0, 0))
    clouds = replace(clouds, blue=(1, 1), red=(1, 1))
    unshaded = replace(STILL, clouds=clouds, shadow=Shadow(strength=(0, 0)))
    made, known, parts = Simulator(unshaded).render(bands, labels, seed=4)
    opacity = parts.scene.opacity
    change = (made - bands)[:, :3].mean(1).abs()
    thin = (opacity >= 0.12) & (opacity < 0.6)
    clear_cut = (change - 0.02).abs() > 1e-4
    assert torch.equal((known[:, CLOUD] == 1)[thin & clear_cut], (change >= 0.02)[thin & clear_cut])
    assert (known[:, CLOUD][thin & (change < 0.0199)] == 255).all()
    assert (known[:, CLOUD][opacity >= 0.6] == 1).all()
    unseen = thin & (known[:, CLOUD] == 255)
    assert unseen[:, :, SIZE // 2 :].sum() > 10 * unseen[:, :, : SIZE // 2].sum()


def test_on_bright_ground_cloud_must_change_more_to_be_seen():
    bands, labels = ground(8, water=0)
    bands[:, :, :, SIZE // 2 :] = 0.6
    clouds = replace(
        with_clouds(kind="thin"), brightness=(0.8, 0.8), blue=(1, 1), red=(1, 1), glow=(0, 0), relief=(0, 0)
    )
    clouds = replace(clouds, visible_from=0.012, visible_share=0.05)
    unshaded = replace(STILL, clouds=clouds, shadow=Shadow(strength=(0, 0)))
    made, known, parts = Simulator(unshaded).render(bands, labels, seed=4)
    thin = (parts.scene.opacity >= 0.12) & (parts.scene.opacity < 0.6)
    change = (made - bands)[:, :3].mean(1).abs()
    needed = torch.where(torch.arange(SIZE) < SIZE // 2, 0.012, 0.03).expand_as(change)
    clear_cut = thin & ((change - needed).abs() > 1e-4)
    assert torch.equal(known[:, CLOUD][clear_cut] == 1, (change >= needed)[clear_cut])
    assert (known[:, CLOUD][clear_cut & (change < needed)] == 255).sum() > 100


def test_clouds_and_snow_are_dark_in_both_short_wave_bands_or_bright_in_both():
    bands, labels = ground(24, 32, water=0)
    overcast = with_clouds(kind="overcast", cover=(1, 1), gain=(5, 5), most=(14, 14))
    snow = Snow(share=1, ice=0, cover=(1, 1), edge=(100, 100), trees=(0, 0))
    for simulation, most in ((replace(STILL, clouds=overcast), 0.35), (replace(STILL, snow=snow), 0.06)):
        made = Simulator(simulation)(bands, labels, seed=5)[0][:, :, 8:24, 8:24].mean((2, 3))
        first, second = made[:, 4] / made[:, 1], made[:, 5] / made[:, 1]
        assert (second - first).abs().max() < most
        assert np.corrcoef(first, second)[0, 1] > 0.9
        assert first.max() > 1.8 * first.min()


def test_light_goes_to_and_fro_between_clouds_and_bright_ground():
    bands, labels = ground(4, water=0)
    bands[:] = 0.8
    grey = replace(with_clouds(kind="thin"), brightness=(0.5, 0.5), glow=(0, 0), relief=(0, 0))
    grey = replace(grey, blue=(1, 1), red=(1, 1), nir=(1, 1), swir1=(1, 1), swir2=(1, 1))
    without = replace(STILL, clouds=grey, shadow=Shadow(strength=(0, 0)))
    before, _, parts = Simulator(without).render(bands, labels, seed=4)
    lit = replace(without, clouds=replace(grey, ground_light=1))
    after, _ = Simulator(lit)(bands, labels, seed=4)
    assert torch.equal(after[:, 4:], before[:, 4:])  # droplets absorb there, and so does snow
    clear = parts.scene.opacity == 0
    assert torch.allclose(after.amin(1)[clear], bands[:, 0][clear], atol=1e-5)
    green, opacity = after[:, 1], parts.scene.opacity
    thin = (opacity > 0.05) & (opacity < 0.3)
    assert (before[:, 1][thin] < 0.8).all()
    r = before[:, 1] - 0.8 * (1 - opacity)  # what the cloud itself gives
    passed = (1 - r) ** 2 * 0.8 / (1 - 0.8 * r)  # Liou 2002: ground below a layer that absorbs nothing
    torch.testing.assert_close(green, r + torch.maximum(passed, 0.8 * (1 - opacity)), rtol=0, atol=1e-4)
    assert (green[thin] - 0.8).abs().max() < 0.03
    dark = torch.full_like(bands, 0.02)
    assert (Simulator(lit)(dark, labels, seed=4)[0] - Simulator(without)(dark, labels, seed=4)[0]).max() < 0.02


def test_clouds_of_the_background_count_for_nothing():
    bands, labels = ground(3)
    labels[:, CLOUD, :40], labels[:, SHADOW, 40:60] = 1, 255
    _, known, parts = Simulator(replace(STILL, clouds=with_clouds())).render(bands, labels, seed=4)
    murky, opacity = torch.zeros_like(known[:, 0], dtype=torch.bool), parts.scene.opacity
    murky[:, :60] = True
    assert (known[:, CLOUD][murky & (opacity < 0.12)] == 255).all()
    assert (known[:, CLOUD][murky & (opacity >= 0.12)] == 1).all()
    assert not (known[:, SHADOW][murky & (opacity < 0.6)] == 0).any()


def test_what_lies_below_clouds_and_shadows_of_the_background_is_not_known():
    bands, labels = ground(3)
    labels[:, CLOUD, :30], labels[:, CLOUD, 30:50], labels[:, SHADOW, 50:70] = 1, 255, 1
    labels[:, TERRAIN, 90:] = labels[:, TERRAIN, 65:70] = 1
    _, known, parts = Simulator(replace(STILL, clouds=with_clouds(), snow=Snow(share=1))).render(bands, labels, seed=4)
    seen = parts.scene.opacity < 0.6
    assert (known[:, SHADOW, :70] != 1).all()
    for mask in (WATER, SNOW, TERRAIN):
        assert (known[:, mask, :30] == 255).all()
    assert (known[:, TERRAIN, 30:65] == 255).all()
    assert (known[:, TERRAIN, 65:70][seen[:, 65:70]] == 1).all()
    assert torch.equal(known[:, TERRAIN, 70:][seen[:, 70:]], labels[:, TERRAIN, 70:][seen[:, 70:]])


def test_haze_hides_what_lies_below_it_as_cloud_does():
    bands, labels = ground(6)
    air = Air(haze=1, haze_depth=(1.2, 1.2), toa=0)
    simulation = replace(STILL, clouds=with_clouds(kind="thin"), air=air)
    _, known, parts = Simulator(simulation).render(bands, labels, seed=4)
    opacity, haze = parts.scene.opacity, parts.scene.haze
    hidden, opaque = 1 - (1 - opacity) * (1 - haze) >= 0.6, opacity >= 0.6
    assert (hidden & ~opaque).any()
    for mask in (WATER, SNOW, TERRAIN):
        assert torch.equal(known[:, mask] == 255, hidden)
    assert (known[:, SHADOW][hidden & ~opaque] == 255).all()
    assert (known[:, SHADOW][opaque] == 0).all()


def test_haze_is_no_cloud_and_thick_haze_is_not_known():
    bands, labels = ground(6)
    made, known, parts = Simulator(replace(STILL, air=Air(haze=1, haze_depth=(0.1, 0.5), toa=0))).render(
        bands, labels, seed=4
    )
    hazy = parts.scene.haze
    assert not (known[:, CLOUD] == 1).any()
    assert torch.equal(known[:, CLOUD] == 255, hazy >= 0.12)
    added = (made - bands)[:, :, :, SIZE // 2 :].mean((0, 2, 3))
    assert added[0] > added[2] > added[5]


def test_the_same_seed_gives_the_same_windows_in_any_batch():
    bands, labels = ground(16, 64)
    bands[1, :, :30, :30] = torch.nan
    simulator = Simulator()
    made, known = simulator(bands, labels, seed=9)
    again, known_again = simulator(bands, labels, seed=9)
    assert torch.equal(made.nan_to_num(9), again.nan_to_num(9))
    assert torch.equal(known, known_again)
    for window in range(16):
        one, label = simulator(bands[window : window + 1], labels[window : window + 1], seed=[[9, window]])
        assert torch.allclose(one[0], made[window], atol=2e-5, equal_nan=True)
        assert (label[0] != known[window]).float().mean() < 1e-4
    other, _ = simulator(bands, labels, seed=10)
    assert not torch.allclose(other.nan_to_num(9), made.nan_to_num(9), atol=0.01)
    drawn = [simulator(bands, labels, seed=torch.Generator().manual_seed(6))[0].nan_to_num(9) for _ in range(2)]
    assert torch.equal(*drawn)


def test_fill_stays_fill_and_nothing_else_becomes_it():
    bands, labels = ground(8)
    bands[:, :, 20:50, 90:] = torch.nan
    bands[0, 2, 5, 5] = torch.nan
    before = bands.clone()
    made, known = Simulator()(bands, labels, seed=1)
    blank = bands.isnan().any(1)
    assert torch.equal(bands.nan_to_num(7), before.nan_to_num(7))
    assert torch.equal(made.isnan().all(1), blank)
    assert torch.equal(made.isnan().any(1), blank)
    assert (known.permute(0, 2, 3, 1)[blank] == 255).all()
    assert set(known.unique().tolist()) <= {0, 1, 255}
    assert made[~made.isnan()].min() > -0.2


def test_a_swath_ends_along_a_line_and_the_rest_is_as_it_was():
    bands, labels = ground(24)
    whole, known = Simulator()(bands, labels, seed=4)
    gaps = replace(Simulator().simulation, instrument=Instrument(gaps=0.5, gap_cover=(0.1, 0.6)))
    cut, left = Simulator(gaps)(bands, labels, seed=4)
    blank = cut.isnan().all(1)
    assert torch.equal(cut.isnan().any(1), blank)
    assert 6 <= (blank.flatten(1).any(1)).sum() <= 18
    assert not blank.flatten(1).all(1).any()
    corners = blank[:, ::127, ::127].flatten(1).any(1)
    assert torch.equal(corners, blank.flatten(1).any(1))  # fill begins at the window's edge
    for axis in (1, 2):  # and is convex: a line crosses each row and column once at most
        assert (blank.int().diff(dim=axis).abs().sum(axis) <= 1).all()
    assert ((cut - whole).nan_to_num(0).abs() > 0.01).float().mean() < 0.01  # glow and texture reach over the line
    assert (left != known.masked_fill(blank[:, None], 255)).float().mean() < 0.001
