"""Simulated ground and sensor: both terrain shadows, snow and ice, bright targets, water, noise."""

from __future__ import annotations

from dataclasses import replace
from math import cos, hypot, radians, sin, tan

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from clear_ground import CLOUD, SHADOW, SIZE, SNOW, STILL, TERRAIN, WATER, ground, with_clouds
from hlsmask.bands import BANDS
from hlsmask.inference.spectral.relief import terrain_shadow
from hlsmask.samples.simulate import Simulator
from hlsmask.samples.simulate.fields import shift, soften
from hlsmask.samples.simulate.ground import Ground, Relief, Snow, WaterColour
from hlsmask.sun import Sun


def march(elevation: np.ndarray, sun: Sun) -> np.ndarray:
    """Return where relief hides the sun, pixel by pixel, by walking up the beam in half pixels."""
    rows, cols = elevation.shape
    hidden = np.zeros(elevation.shape, bool)
    down, right = -cos(radians(sun.azimuth)), sin(radians(sun.azimuth))
    rise = 30 / tan(radians(sun.zenith))
    for row in range(rows):
        for col in range(cols):
            for along in np.arange(1, 50, 0.5):
                r, c = round(row + along * down), round(col + along * right)
                if not (0 <= r < rows and 0 <= c < cols):
                    break
                if elevation[r, c] > elevation[row, col] + hypot(r - row, c - col) * rise:
                    hidden[row, col] = True
                    break
    return hidden


@pytest.mark.parametrize("sun", [Sun(140, 60), Sun(310, 45)])
@pytest.mark.parametrize("given_relief", [False, True])
def test_both_terrain_shadows(sun, given_relief):
    bands, labels = ground(2, 64, water=0)
    relief = Relief(share=1, height=(1600, 1600), ridges=(0.5, 0.5))
    simulator = Simulator(replace(STILL, relief=relief))
    elevation = None
    if given_relief:
        y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        elevation = torch.stack([250 * torch.sin(x / 5 + y / 9), 300 * torch.cos(y / 6) + 100 * torch.sin(x / 4)])
    made, known, parts = simulator.render(bands, labels, seed=8, elevation=elevation, sun=sun)
    hills = parts.shading
    for window in range(2):
        heights = hills.elevation[window].numpy()
        theirs = terrain_shadow(heights, sun, 30.0) == 1
        assert (hills.shad[window].numpy() == theirs).mean() > 0.9995  # but for rounding
        cast, slow = hills.cast[window].numpy(), march(heights, sun)
        assert slow.any()
        assert (cast == slow).mean() > 0.985
    assert torch.equal(known[:, TERRAIN] == 1, hills.shad | hills.cast)
    assert ((hills.hidden > 0.2) & ~hills.cast & ~hills.shad)[known[:, TERRAIN] == 255].all()
    dark = made[:, 4][hills.cast] / bands[:, 4][hills.cast]
    assert dark.mean() < 0.5
    assert (known[:, SHADOW] == 0).all()


def test_shad_alone_is_the_same_picture_without_the_label_of_cast_shadow():
    bands, labels = ground(4)
    relief = Relief(share=1, height=(1500, 1500))
    both = Simulator(replace(STILL, relief=relief)).render(bands, labels, seed=1, sun=Sun(150, 65))
    alone = Simulator(replace(STILL, relief=replace(relief, meaning="shad"))).render(
        bands, labels, seed=1, sun=Sun(150, 65)
    )
    assert torch.equal(both[0], alone[0])
    assert torch.equal(alone[1][:, TERRAIN] == 1, both[2].shading.shad)
    assert (both[1][:, TERRAIN] == 1).sum() > (alone[1][:, TERRAIN] == 1).sum()
    assert not (alone[1][:, TERRAIN] == 255).any()


def test_relief_is_level_over_water():
    bands, labels = ground(4)
    _, known, parts = Simulator(replace(STILL, relief=Relief(share=1))).render(bands, labels, seed=3)
    heights, wet = parts.shading.elevation, labels[:, WATER] == 1
    assert (heights[wet] == 0).all()
    assert not parts.shading.shad[wet].any()
    assert heights.flatten(1).amax(1).min() > 20
    assert torch.equal(known[:, WATER], labels[:, WATER])


def test_relief_at_one_edge_shades_nothing_at_the_other():
    bands, labels = ground(1, 64, water=0)
    cliff = torch.zeros((1, 64, 64))
    cliff[:, :, 60:] = 900
    _, known = Simulator(STILL)(bands, labels, seed=0, elevation=cliff, sun=Sun(270, 60))
    assert (known[:, TERRAIN, :, :50] == 0).all()
    bands, labels = ground(8, water=0.15)  # level water at the left edge: mountains at the right one are a cliff
    _, known = Simulator(replace(STILL, relief=Relief(share=1, height=(1500, 1500))))(
        bands, labels, seed=3, sun=Sun(270, 60)
    )
    assert (known[:, TERRAIN, :, :19] == 0).all()


def test_what_is_no_torus_comes_in_without_a_seam():
    ramp = torch.arange(64.0).expand(1, 64, 64)
    for down, right in ((0, 20), (9, -30), (200, -500)):
        moved = shift(ramp + 2 * ramp.mT, [down], [right], mirrored=[True])
        assert max(moved.diff(dim=axis).abs().max() for axis in (1, 2)) <= 2
    assert torch.allclose(soften(ramp, 3).diff(dim=2), torch.ones(1), atol=0.8)
    bands, labels = ground(6, water=0)
    fog = with_clouds(kind="fog", height=(350, 350), cover=(0.5, 0.5))
    simulation = replace(STILL, clouds=fog, relief=Relief(share=1, height=(1500, 1500)))
    shade = Simulator(simulation).render(bands, labels, seed=3, sun=Sun(270, 70))[2].scene.shade
    steps = shade.diff(dim=2).abs().mean(1)
    assert (steps[:, 31] <= steps.median(1).values).all()  # fog from within is thrown 32 columns to the east


def test_snow_on_a_ramp_is_not_darkened_at_the_edges():
    bands, labels = ground(2, water=0)
    bands[:] = torch.linspace(0.05, 0.4, SIZE)
    options = Snow(share=1, ice=0, cover=(1, 1), edge=(100, 100), texture=(0, 0))
    made, _, parts = Simulator(replace(STILL, snow=options)).render(bands, labels, seed=3)
    tone = torch.where(parts.scene.cover > 0.99, made[:, 1], torch.nan).nanmean(1)
    assert (tone[:, 0] / tone[:, 4] - 1).abs().max() < 0.02
    assert (tone[:, -1] / tone[:, -5] - 1).abs().max() < 0.02


def test_snow_has_the_colour_that_is_asked_for():
    bands, labels = ground(2, water=0)
    colour = {"blue": 0.85, "red": 1.1, "nir": 1.05, "swir1": 0.28, "swir2": 0.3}
    ranges = {name: (part, part) for name, part in colour.items()}
    options = Snow(share=1, ice=0, cover=(1, 1), edge=(100, 100), trees=(0, 0), **ranges)
    made, _, parts = Simulator(replace(STILL, snow=options)).render(bands, labels, seed=3)
    whole = parts.scene.cover > 0.999
    assert whole.float().mean() > 0.2
    seen = [(made[:, BANDS.index(name)] / made[:, 1])[whole].median().item() for name in colour]
    assert seen == pytest.approx(list(colour.values()), abs=0.01)


def test_conifers_stand_dark_in_snow_and_hide_it():
    bands, labels = ground(6, water=0.25)
    bands[:] = 0.1  # no leaf
    snow = Snow(share=1, ice=0, cover=(1, 1), edge=(100, 100), trees=(0.95, 0.95), forest=1, forest_cover=(0.4, 0.4))
    made, known, parts = Simulator(replace(STILL, snow=snow)).render(bands, labels, seed=3)
    bare, all_white, _ = Simulator(replace(STILL, snow=replace(snow, forest=0))).render(bands, labels, seed=3)
    wet = labels[:, WATER] == 1
    assert torch.equal(made.movedim(1, 0)[:, wet], bare.movedim(1, 0)[:, wet])
    hidden = (known[:, SNOW] == 0) & (all_white[:, SNOW] == 1)
    assert 0.2 < hidden.float().sum() / (all_white[:, SNOW] == 1).float().sum() < 0.5
    assert made[:, 1][hidden].quantile(0.95) < 0.3 < bare[:, 1][hidden].quantile(0.05)
    open_snow = (parts.scene.cover > 0.95) & ~wet
    assert (known[:, SNOW][open_snow] == 1).all()


def test_windows_with_snow_may_be_left_without_clouds():
    bands, labels = ground(40, 64, water=0)
    snow = Snow(share=0.5, ice_alone=0, clear=0.6)
    simulation = replace(STILL, snow=snow, clouds=with_clouds(kind="cumulus"))
    always, known, parts = Simulator(replace(simulation, snow=replace(snow, clear=0))).render(bands, labels, seed=3)
    made, some, _ = Simulator(simulation).render(bands, labels, seed=3)
    snowy = parts.scene.cover.amax((1, 2)) > 0
    cloudy = (some[:, CLOUD] == 1).flatten(1).any(1)
    assert (known[:, CLOUD] == 1).flatten(1).any(1).all()
    assert cloudy[~snowy].all()
    assert 0.2 < cloudy[snowy].float().mean() < 0.6
    assert torch.equal(made[cloudy], always[cloudy])


def test_faint_shading_is_not_known_where_that_is_asked_for_and_the_picture_is_the_same():
    bands, labels = ground(4, water=0)
    relief = Relief(share=1, height=(900, 900))
    made, known, parts = Simulator(replace(STILL, relief=relief)).render(bands, labels, seed=3, sun=Sun(140, 40))
    asked = replace(STILL, relief=replace(relief, label_from=0.2))
    same, doubted = Simulator(asked)(bands, labels, seed=3, sun=Sun(140, 40))
    assert torch.equal(made, same)
    faint = parts.shading.shad & ~parts.shading.cast & (parts.shading.light > 0.8)
    assert 0.02 < faint.float().mean() < 0.3
    assert (known[:, TERRAIN][faint] == 1).all()
    assert (doubted[:, TERRAIN][faint] == 255).all()
    assert torch.equal(doubted[:, TERRAIN][~faint], known[:, TERRAIN][~faint])


def test_terrain_shadow_that_a_new_lake_floods_is_not_known():
    bands, labels = ground(6, water=0)
    labels[:, TERRAIN, :60] = 1
    water = WaterColour(recoloured=0, glint=0, lakes=1, lake_cover=(0.4, 0.4))
    _, known, parts = Simulator(replace(STILL, water=water)).render(bands, labels, seed=3)
    lakes = parts.scene.lakes > 0
    assert lakes[:, :60].any()
    assert (known[:, TERRAIN, :60][lakes[:, :60]] == 255).all()
    assert (known[:, TERRAIN, :60][~lakes[:, :60]] == 1).all()
    assert (known[:, TERRAIN, 60:] == 0).all()


def test_relief_of_the_background_is_not_forgotten():
    bands, labels = ground(4, water=0)
    labels[:, TERRAIN, :20] = 255
    labels[:, TERRAIN, 20:40] = 1
    _, known, parts = Simulator(replace(STILL, relief=Relief(share=1))).render(bands, labels, seed=3)
    there = parts.shading.shad | parts.shading.cast
    assert (known[:, TERRAIN, :40][~there[:, :40]] == 255).all()
    assert (known[:, TERRAIN][there] == 1).all()


def test_cloud_shadow_is_not_known_where_relief_leaves_no_light():
    bands, labels = ground(6, water=0)
    clouds = with_clouds(cover=(0.5, 0.5))
    simulation = replace(STILL, clouds=clouds, relief=Relief(share=1, height=(2500, 2500)))
    _, known, parts = Simulator(simulation).render(bands, labels, seed=3, sun=Sun(140, 60))
    black = (parts.scene.light < 1e-6) & (parts.scene.shade > 0.2) & (parts.scene.opacity < 0.05)
    assert black.any()
    assert (known[:, SHADOW][black] == 255).all()


def test_snow_is_white_in_the_visible_and_dark_in_the_short_wave_infrared():
    bands, labels = ground(8)
    simulation = replace(STILL, snow=Snow(share=1, ice=1, floes=1))
    made, known, parts = Simulator(simulation).render(bands, labels, seed=3)
    cover, ice = parts.scene.cover, parts.scene.ice
    index = (made[:, 1] - made[:, 4]) / (made[:, 1] + made[:, 4])
    assert (index > 0.4)[cover > 0.9].float().mean() > 0.98
    assert torch.equal(known[:, SNOW] == 1, cover >= 0.5)
    assert torch.equal(known[:, SNOW] == 255, (cover >= 0.2) & (cover < 0.5))
    wet = labels[:, WATER] == 1
    assert (known[:, WATER][wet & (ice > 0.8)] == 0).all()
    assert (known[:, WATER][wet & (ice > 0.2) & (ice < 0.8)] == 255).all()
    assert (known[:, WATER][wet & (ice < 0.2)] == 1).all()
    assert (ice[wet] > 0.5).any()
    assert (ice[~wet] == 0).all()


def test_mottled_land_changes_as_much_as_was_asked_for_and_no_label_with_it():
    bands, labels = ground(24, 128, water=0.25)
    level = 0.1
    asked = Ground(level=(1, 1), tint=(1, 1), offset=(0, 0), bright=0, dark=0, mottled=1, mottled_level=(level, level))
    made, known = Simulator(replace(STILL, ground=asked))(bands, labels, seed=5)
    assert torch.equal(known, labels)
    change = (made / bands).log()
    assert change[..., :32].abs().max() < 0.01  # water, but for the noise of the sensor
    land = change[..., 32:]
    spread = land.std((2, 3))
    assert (spread > 0.3 * level).any(1).all()
    assert (spread < 2 * level).all()
    leaves = (land[:, 3] * land[:, 2]).mean((1, 2)) < 0  # near infrared lighter where red is darker
    assert 2 <= leaves.sum() <= 16
    soil = land[~leaves]
    for band in range(6):  # lighter in all bands together
        together = (soil[:, band] * soil[:, 3]).mean((1, 2)) / (soil[:, band].std((1, 2)) * soil[:, 3].std((1, 2)))
        assert (together > 0.8).all()


def test_misjudged_air_lies_over_water_alone_in_swells_and_blocks_and_is_no_cloud():
    bands, labels = ground(24, 128, water=0.5)
    level = 0.02
    air = replace(STILL.air, misjudged=1, misjudged_level=(level, level), misjudged_block=(8, 8))
    made, known = Simulator(replace(STILL, air=air))(bands, labels, seed=5)
    assert torch.equal(known, labels)
    change = made - bands
    assert change[..., 64:].abs().max() < 0.001  # land, but for the noise of the sensor
    green, swir2 = change[:, 1, :, :64], change[:, 5, :, :64]
    assert green.max() < 1.1 * level
    assert green.min() > -0.7 * level
    assert (green.amax((1, 2)) - green.amin((1, 2)) > 0.2 * level).float().mean() > 0.8
    assert (swir2.abs() < 0.4 * green.abs() + 0.0005).all()  # less at long waves, as aerosol
    steps = green.diff(dim=2).abs().amax(1)  # the largest step between two columns, of each window
    blocky = steps[:, 7::8].amax(1) > 3 * steps[:, 3::8].amax(1)  # at the edges of blocks, and in their middles
    assert 4 <= blocky.sum() <= 20

    some = replace(STILL, air=replace(air, misjudged=0.5))
    touched = (Simulator(some)(bands, labels, seed=5)[0] - bands)[:, 1].abs().amax((1, 2)) > 0.002
    assert 6 <= touched.sum() <= 18


def test_bright_ground_is_neither_cloud_nor_snow():
    bands, labels = ground(12)
    labels[:, SNOW, :30] = 1
    made, known, parts = Simulator(
        replace(STILL, ground=replace(STILL.ground, bright=1, bright_cover=(0.3, 0.3)))
    ).render(bands, labels, seed=3)
    laid = parts.scene.bare > 0.9
    assert (made[:, 2] > bands[:, 2] + 0.1)[laid].float().mean() > 0.9
    assert (known[:, CLOUD] == 0).all()
    assert (known[:, SNOW][laid] == 0).all()
    assert torch.equal(known[:, WATER], labels[:, WATER])
    assert (made[:, 4] > 0.3 * made[:, 1])[laid].all()  # snow would absorb


def test_water_may_be_muddy_or_mirror_the_sun_and_stays_water():
    bands, labels = ground(24)
    simulation = replace(STILL, water=WaterColour(recoloured=1, glint=0.5, lakes=1, glint_level=(0.1, 0.1)))
    made, known, parts = Simulator(simulation).render(bands, labels, seed=3)
    wet = (labels[:, WATER] == 1) | (parts.scene.lakes > 0)
    assert torch.equal(known[:, WATER] == 1, wet)
    assert parts.scene.lakes.any()
    level = torch.stack([(made[k, 3] * wet[k]).sum() / wet[k].sum() for k in range(24)])
    assert level.max() > 0.12
    assert level.min() < 0.03
    assert torch.allclose(
        made[:, :, :][~wet[:, None].expand_as(made)], bands[~wet[:, None].expand_as(bands)], atol=1e-4
    )


def test_ponds_are_small_and_their_shores_are_mixed():
    bands, labels = ground(16, water=0)
    water = WaterColour(recoloured=0, glint=0, lakes=0, ponds=1, pond_cover=(0.02, 0.02), pond_size=(4, 4))
    made, known, parts = Simulator(replace(STILL, water=water)).render(bands, labels, seed=3)
    share = parts.scene.lakes
    assert torch.equal(known[:, WATER] == 1, share >= 0.5)
    assert torch.equal(known[:, WATER] == 255, (share > 0.1) & (share < 0.5))
    assert 0.01 < (share >= 0.5).float().mean() < 0.03
    sizes = np.concatenate([np.bincount(label(one.numpy() >= 0.5)[0].ravel())[1:] for one in share])
    assert np.median(sizes) < 60  # a pond of 4 pixels' reach is no lake
    lost = 1 - made[:, 3] / bands[:, 3]  # of the near infrared: whole in the middle, half at the shore
    assert lost[share > 0.99].min() > 0.4
    shore = (share > 0.4) & (share < 0.6)
    assert 0.2 < lost[shore].median() / lost[share > 0.99].median() < 0.8


def lake_of_depth(metres: float, **water: object) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return bands and labels with lakes of a depth, bands of the same lakes without a bottom, and the lakes."""
    bands, labels = ground(12, water=0.25)
    deep = WaterColour(recoloured=0, glint=0, lakes=1, turbidity=(0, 0), texture=0)
    shallow = replace(deep, shallow=1, depth=(metres, metres), **water)
    made, known, parts = Simulator(replace(STILL, water=shallow)).render(bands, labels, seed=3)
    without, labelled, _ = Simulator(replace(STILL, water=deep)).render(bands, labels, seed=3)
    lakes = parts.scene.lakes == 1
    assert lakes.any()
    assert torch.equal(known, labelled)  # water is water, however shallow
    outside = ~lakes[:, None].expand_as(made)
    assert torch.allclose(made[outside], without[outside], atol=1e-4)  # also the water that was there before
    return bands, made, without, lakes


def test_the_ground_below_shallow_water_shows_but_not_in_the_short_wave_infrared():
    bands, made, without, lakes = lake_of_depth(0.1, pale=0)
    own, seen, deep = (each.movedim(1, 0)[:, lakes] for each in (bands, made, without))
    through = 0.52 * own / (1 - 0.54 * own)  # a part of what comes up stays below the surface
    for band in (0, 1):  # blue and green pass a decimetre of clear water nearly undimmed
        near = torch.corrcoef(torch.stack([seen[band], own[band]]))[0, 1]
        assert near > 0.98
        assert (seen[band] - through[band]).abs().median() < 0.1 * through[band].median()
    dimmed = ((seen[3] - deep[3]) / (through[3] - deep[3])).median()
    assert 0.25 < dimmed < 0.55  # exp(-2 x 4.6 / m x 0.1 m) = 0.40, of an uneven depth
    assert torch.allclose(seen[4:], deep[4:], atol=1e-4)


def test_deep_or_muddy_water_hides_its_bottom():
    _, made, without, lakes = lake_of_depth(60, pale=1)
    away = (made - without).abs().movedim(1, 0)[:, lakes]
    assert away[2:].max() < 1e-3
    assert away[0].median() > 1e-3  # blue still shows white sand at 60 m, if the water is as clear as water can be
    muddy = WaterColour(
        recoloured=0, glint=0, lakes=1, turbidity=(1, 1), texture=0, shallow=1, depth=(1.5, 1.5), pale=1
    )
    bands, labels = ground(12)
    with_bottom = Simulator(replace(STILL, water=muddy))(bands, labels, seed=3)[0]
    without = Simulator(replace(STILL, water=replace(muddy, shallow=0)))(bands, labels, seed=3)[0]
    assert (with_bottom - without).abs().median() < 1e-3


def test_brine_over_salt_is_bright_and_water():
    _, made, _, lakes = lake_of_depth(0.1, pale=1)
    red, infrared, short = (made[:, band][lakes] for band in (2, 3, 4))
    assert red.quantile(0.9) > 0.25  # as bright as snow may be
    assert (infrared < 0.8 * red).float().mean() > 0.9
    assert short.max() < 0.02


def test_noise_has_the_deviation_that_was_asked_for_in_every_band_and_window():
    bands, labels = ground(16)
    simulation = replace(STILL, instrument=replace(STILL.instrument, noise=(0.004, 0.004)))
    error = Simulator(simulation)(bands, labels, seed=3)[0] - bands
    spread = error.flatten(2).std(2)
    assert (spread > 0.6 * 0.004 * 0.97).all()
    assert (spread < 1.4 * 0.004 * 1.03).all()
    assert error.flatten(2).mean(2).abs().max() < 0.0002
    first = error[0].flatten(1)
    assert torch.corrcoef(first).fill_diagonal_(0).abs().max() < 0.05  # bands do not share theirs
    assert abs(float(torch.corrcoef(torch.stack([error[0, 0, 1:].flatten(), error[0, 0, :-1].flatten()]))[0, 1])) < 0.05


def test_gains_come_after_all_else_and_stripes_run_along_the_track():
    bands, labels = ground(6)
    gained = replace(STILL, instrument=replace(STILL.instrument, gained=1))
    ratio = (Simulator(gained)(bands, labels, seed=3)[0] / bands)[:, 3, :, SIZE // 2 :]
    assert ratio.std((1, 2)).max() < 1e-3
    assert ((ratio.mean((1, 2)) > 0.85) & (ratio.mean((1, 2)) < 1.18)).all()
    assert ratio.mean((1, 2)).std() > 0.02
    striped = replace(STILL, instrument=replace(STILL.instrument, stripes=1, stripes_level=(0.01, 0.01)))
    error = (Simulator(striped)(bands, labels, seed=3)[0] - bands)[:, 0]
    along, across = error.diff(dim=1).abs().mean(), error.diff(dim=2).abs().mean()
    assert along < 0.5 * across


def test_shapes_and_types_that_do_not_fit_are_refused():
    bands, labels = ground()
    for wrong in ((bands[0], labels), (bands.double(), labels), (bands, labels[:, :4]), (bands, labels.int())):
        with pytest.raises(ValueError, match="must be"):
            Simulator()(*wrong, seed=0)
    with pytest.raises(ValueError, match="elevation must be"):
        Simulator()(bands, labels, seed=0, elevation=torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match="2 windows need as many"):
        Simulator()(bands, labels, seed=[[1]])
