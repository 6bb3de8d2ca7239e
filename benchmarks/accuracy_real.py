"""Goals 1 to 4 of `accuracy.py` on real imagery: scenes with labels, held-out clear chips, muddy rivers, snow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from accuracy_chips import CLOUD, SHADOW, SNOW, TERRAIN, WATER, flat, gentle, muddy
from accuracy_contenders import middle, mirrored
from accuracy_counting import SCORES, Paired, away_from_edges, by_block, by_place, counted, grown, scores, total
from hlsmask.inference.spectral.water import diagnostic

if TYPE_CHECKING:
    from pathlib import Path

    from accuracy_chips import Chips
    from accuracy_contenders import Masker, Ukis
    from accuracy_counting import Report

SCENE_SHADOW, SCENE_WATER, SCENE_LAND, SCENE_CLOUD, NO_LABEL = 0, 1, 3, 4, 255
OURS, SPECTRAL, UKIS = "hlsmask", "spectral", "ukis-csmask"
BESIDE_FILL = "hlsmask, half of each chip blank"
WANTED = {"s2_cloud_scene": (0.92, 0.83)}
OTHERS = (0.88, 0.78)
"""F1 of cloud and shadow that is aimed at, on the scene that lies with the data and on others."""
RIMS = (0, 1, 2)
"""Pixels on either side of the edges of labelled clouds and shadows that are left out in turn."""
SNOW_SCENE, OFFSET_SCENE, OFFSET = "609U_541L_3_0", "433D_629L_3_1", 1000
"""By their pictures: the one under snow, and the one whose numbers are 1000 too high (no pixel is below 1031)."""


def passed_by(bands: np.ndarray) -> np.ndarray:
    """Return how many of the five DSWx tests pixels (6, h, w) pass."""
    return np.bitwise_count(diagnostic(bands))


def scenes_of(data: Path, others: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return bands (6, h, w) and label (h, w) of the labelled scene of the data, and of those in a folder."""
    files = [data / "s2_cloud_scene.npz", *(sorted(others.glob("*.npz")) if others else [])]
    found = {}
    for path in files:
        with np.load(path) as scene:
            if "bands" not in scene or "label" not in scene:
                raise SystemExit(f"{path} lacks bands (6, h, w), reflectance, or label (h, w); it holds {scene.files}")
            found[path.stem] = (scene["bands"].astype(np.float32), scene["label"])
    return found


def scenes(report: Report, found: dict, ours: Masker, spectral: Masker, ukis: Ukis) -> None:
    """Score goal 1, and water of goal 2, on labelled scenes."""
    report.say("## 1. Cloud and cloud shadow on real scenes with labels\n")
    report.say("Real, top of atmosphere. Intervals: 95 %, blocks of 64 x 64 pixels drawn with replacement.\n")
    for name, (bands, label) in found.items():
        said = {OURS: ours(bands[None])[0], SPECTRAL: spectral(bands[None])[0]}
        if not ukis.why:
            said[UKIS] = ukis(bands[None], "l1c")[0]
        labelled = label != NO_LABEL
        rows = []
        wanted = dict(zip((CLOUD, SHADOW), WANTED.get(name, OTHERS), strict=True))
        for mask, title, code in ((CLOUD, "cloud", SCENE_CLOUD), (SHADOW, "cloud shadow", SCENE_SHADOW)):
            blocks = {who: by_block(masks[mask], label == code, labelled) for who, masks in said.items()}
            paired = Paired(blocks)
            f1 = {who: total(own).f1 for who, own in blocks.items()}
            for who, own in blocks.items():
                ahead = "" if who == OURS else f"{paired.ahead(OURS, who):.0%}"
                rows.append([f"{title}: {who}", *scores(total(own)), paired.interval(who), ahead])
            figure = f"F1 {f1[OURS]:.3f}"
            report.goal(f"1. {name}: {title} F1 {wanted[mask]}", figure, reached=f1[OURS] >= wanted[mask])
            if UKIS in f1:
                beside = f"{figure}, ukis-csmask {f1[UKIS]:.3f}"
                report.goal(f"1. {name}: {title} ahead of ukis-csmask", beside, reached=f1[OURS] > f1[UKIS])
        report.say(f"### {name}\n")
        report.table(["", *SCORES, "F1, 95 %", "ours ahead in"], rows)
        _rims(report, said, label)
        _flood(report, name, said, bands, label)


def _rims(report: Report, said: dict, label: np.ndarray) -> None:
    """Tell how much of what is amiss lies at the edges that a hand drew, which is no aim."""
    rows = []
    for mask, title, code in ((CLOUD, "cloud", SCENE_CLOUD), (SHADOW, "cloud shadow", SCENE_SHADOW)):
        there = label == code
        known = [(label != NO_LABEL) & ~_rim(there, pixels) for pixels in RIMS]
        for who, masks in said.items():
            rows.append([f"{title}: {who}", *(f"{counted(masks[mask], there, where).f1:.3f}" for where in known)])
    report.say("F1 with so many pixels on either side of the label's edges left out, which is no aim:\n")
    report.table(["", *map(str, RIMS)], rows)


def _rim(there: np.ndarray, pixels: int) -> np.ndarray:
    """Return what lies within so many pixels, in rows and columns, of an edge of what is there (h, w)."""
    size = 2 * pixels + 1
    return maximum_filter(there, size) != minimum_filter(there, size)


def _flood(report: Report, name: str, said: dict, bands: np.ndarray, label: np.ndarray) -> None:
    """Score water, where the label has some."""
    where = (label == SCENE_WATER) | (label == SCENE_LAND)
    if not (label == SCENE_WATER).any():
        return
    masks = {OURS: said[OURS][WATER], "DSWx, three or more tests": passed_by(bands) >= 3}
    counts = {who: counted(mask, label == SCENE_WATER, where) for who, mask in masks.items()}
    report.say("Water on the pixels that the label calls water or land:\n")
    report.table(["", *SCORES], [[f"water: {who}", *scores(own)] for who, own in counts.items()])
    mine, theirs = (own.f1 for own in counts.values())
    report.goal(
        f"2. {name}: water at least as good as DSWx", f"F1 {mine:.3f}, DSWx {theirs:.3f}", reached=mine >= theirs
    )


def masked(chips: Chips, masker: Masker) -> np.ndarray:
    """Return masks (n, 5, h, w) of chips, each mirrored to 256 x 256 pixels."""
    return middle(masker(mirrored(chips.bands)), chips.byte.shape[1:])


def beside_fill(chips: Chips) -> Chips:
    """Return chips whose upper left corner, from side to side, is blank as at the edge of a swath."""
    rows, cols = np.indices(chips.byte.shape[1:])
    blank = rows + cols < chips.byte.shape[1]
    return replace(chips, bands=np.where(blank, np.float32(np.nan), chips.bands))


def clear_chips(
    report: Report, chips: Chips, ours: np.ndarray, spectral: np.ndarray, peers: tuple[Masker, Ukis]
) -> None:
    """Score false alarms of goals 2 and 5 on chips of the split `test`."""
    clear = chips.clear
    report.say("## 2. Clear chips held out by location\n")
    report.say(
        f"Real: {len(chips.number)} HLS chips of {len(np.unique(chips.place))} locations that nothing was trained on, "
        f"mirrored to 256 x 256 pixels for all; {clear.sum():,} pixels in which Fmask sees neither cloud nor shadow.\n"
    )
    masker, ukis = peers
    said = {OURS: ours, SPECTRAL: spectral, BESIDE_FILL: masked(beside_fill(chips), masker)}
    if not ukis.why:
        said[f"{UKIS} (l2a)"] = middle(ukis(mirrored(chips.bands), "l2a"), chips.byte.shape[1:])
    rows = []
    for who, masks in said.items():
        where = clear & ~np.isnan(beside_fill(chips).bands[:, 0]) if who == BESIDE_FILL else clear
        alarms = [100 * (masks[:, mask][where] == 1).mean() for mask in (CLOUD, SHADOW)]
        wrong = ((masks[:, CLOUD : SHADOW + 1] == 1).any(axis=1) & where).sum(axis=(1, 2))
        worst = [chips.number[at] for at in np.argsort(-wrong)[:5] if wrong[at]]
        rows.append([who, *(f"{share:.3f} %" for share in alarms), ", ".join(map(str, worst))])
        if who == OURS:
            for title, share in zip(("cloud", "cloud shadow"), alarms, strict=True):
                report.goal(f"2. clear chips: false {title} under 0.2 %", f"{share:.3f} %", reached=share < 0.2)
    report.table(["", "false cloud", "false cloud shadow", "chips with most"], rows)


def flat_chips(report: Report, chips: Chips, ours: np.ndarray) -> None:
    """Score false terrain shadow on flat chips."""
    level = flat(chips)
    clear = chips.clear & gentle(chips) & level[:, None, None]
    share = 100 * (ours[:, TERRAIN][clear] == 1).mean()
    report.say(
        f"Real: {level.sum()} flat chips of the split `test` (99 % of pixels less steep than 5 degrees, by the DEM "
        f"averaged over 5 x 5 pixels), {clear.sum():,} such pixels, clear: false terrain shadow {share:.3f} %.\n"
    )
    report.goal("5. flat chips: false terrain shadow under 0.5 %", f"{share:.3f} %", reached=share < 0.5)


def water(report: Report, chips: Chips, ours: np.ndarray, title: str, *, held_out: bool) -> None:
    """Score water against the reference, edges left out, with all rivals on the same pixels."""
    drawn = (chips.drawn != NO_LABEL).any(axis=(1, 2))
    chips, ours = chips.take(drawn), ours[drawn]
    passed, bit = chips.passed, chips.bit(5)
    where = chips.clear & away_from_edges(chips.drawn) & (ours[:, WATER] != NO_LABEL)
    dswx, partial = passed >= 3, passed >= 2
    said = {
        OURS: ours[:, WATER] == 1,
        "Fmask": bit,
        "DSWx, three or more tests": dswx,
        "Fmask, grown": grown(bit),
        "DSWx, grown": grown(dswx),
        "for information: DSWx, two or more tests": partial,
    }
    counts = {who: by_place(mask, chips.drawn == 1, where, chips.place) for who, mask in said.items()}
    paired = Paired(counts)
    report.say(
        f"### Water against the reference, {title}\n\nReal: {len(chips.number)} chips of {len(np.unique(chips.place))} "
        "locations, 2 pixels on either side of the reference's edges left out; intervals: 95 %, locations drawn with "
        "replacement.\n"
    )
    rows = []
    for who, own in counts.items():
        ahead = "" if who == OURS else f"{paired.ahead(OURS, who):.0%}"
        rows.append([who, *scores(total(own)), paired.interval(who), ahead])
        if held_out and who != OURS and not who.startswith("for information"):
            mine, theirs = total(counts[OURS]).f1, total(own).f1
            figure = f"F1 {mine:.3f} to {theirs:.3f}, ahead in {ahead} of resamples"
            report.goal(f"2. test chips: water ahead of {who}", figure, reached=mine > theirs)
    report.table(["", *SCORES, "F1, 95 %", "ours ahead in"], rows)


def agreement(report: Report, chips: Chips, ours: np.ndarray) -> None:
    """Tell how far ours agrees with DSWx, which is no aim."""
    f1 = counted(ours[:, WATER], chips.passed >= 3, chips.clear).f1
    report.say(f"Agreement with DSWx (three or more tests) on all clear pixels of the test chips: F1 {f1:.3f}.\n")


def muddy_rivers(report: Report, chips: Chips, said: dict[str, np.ndarray], title: str, *, held_out: bool) -> None:
    """Score goal 3: everything that is called snow on muddy rivers is a false alarm."""
    chosen = muddy(chips.bands, chips.passed)
    chips = chips.take(chosen)
    seen = chips.observed
    fmask = int(chips.bit(4).sum())
    report.say(
        f"### {title}\n\nReal: {len(chips.number)} chips of {len(np.unique(chips.place))} locations"
        f"{': ' + ', '.join(map(str, chips.number)) if held_out else ''}.\n"
    )
    rows = [["Fmask", f"{fmask:,}", f"{100 * fmask / max(1, seen.sum()):.4f} %", ""]]
    for who, masks in said.items():
        alarms = int(((masks[chosen][:, SNOW] == 1) & seen).sum())
        fewer = f"{fmask / alarms:.1f}" if alarms else "none at all"
        rows.append([who, f"{alarms:,}", f"{100 * alarms / max(1, seen.sum()):.4f} %", fewer])
        if who == OURS and held_out:
            reached = fmask > 0 and fmask >= 10 * alarms
            figure = f"{alarms:,} pixels, Fmask {fmask:,}"
            report.goal("3. muddy rivers: ten times fewer false snow than Fmask", figure, reached=reached)
    report.table(["", "pixels called snow", "share", "times fewer than Fmask"], rows)


def _averaged(bands: np.ndarray) -> np.ndarray:
    """Return three by three pixels as one."""
    rows, cols = (length // 3 for length in bands.shape[-2:])
    return bands[:, : rows * 3, : cols * 3].reshape(len(bands), rows, 3, cols, 3).mean(axis=(2, 4))


def snow_scene(report: Report, data: Path, ours: Masker, spectral: Masker) -> None:
    """Tell what the unlabelled Sentinel-2 scenes are called, and score goal 4 on the one under snow."""
    report.say(
        "## 4. Snow and ice\n\nReal: five Sentinel-2 L2A scenes without labels; one is a snowy plain with a river, "
        f"the others have none. Share of pixels; {OFFSET} is taken off {OFFSET_SCENE}. Found: of the pixels with NDSI "
        "above 0.4 and a near infrared above 0.11, which on that scene are snow. Averaged to 30 m a scene has 74 x 74 "
        "pixels: it is masked as it is, and mirrored to 256 x 256.\n"
    )
    with np.load(data / "s2_l2a_scenes.npz") as file:
        found = dict(zip(map(str, file["name"]), file["bands"], strict=True))
    rows = []
    for name, stored in found.items():
        fine = (stored.astype(np.float32) - (OFFSET if name == OFFSET_SCENE else 0)) * np.float32(1e-4)
        coarse = _averaged(fine)
        for how, bands in (("10 m", fine), ("30 m", coarse), ("30 m, mirrored", mirrored(coarse))):
            own = coarse.shape[1:] if how == "30 m, mirrored" else bands.shape[1:]
            for who, masker in ((OURS, ours), (SPECTRAL, spectral)):
                masks = middle(masker(bands[None])[0] == 1, own)
                told = [f"{masks[at].mean():.1%}" for at in (SNOW, CLOUD, SHADOW, WATER)]
                seen = _snow_found(masks, middle(bands, own)) if name == SNOW_SCENE else None
                told += ["", ""] if seen is None else [f"{share:.1%}" for share in seen]
                rows.append([f"{name}{'' if seen is None else ' (snow)'}, {how}, {who}", *told])
                if who == OURS and seen is not None:
                    report.goal(
                        f"4. real snow at {how}: 80 % found, under 2 % called cloud (bounds of our own)",
                        f"{seen[0]:.1%} found, {seen[1]:.1%} called cloud",
                        reached=seen[0] >= 0.8 and seen[1] < 0.02,
                    )
    report.table(["", "snow", "cloud", "shadow", "water", "snow found", "snow called cloud"], rows)


def _snow_found(masks: np.ndarray, bands: np.ndarray) -> tuple[float, float]:
    """Return which share of what is snow by its spectrum is called snow, and cloud."""
    ndsi = (bands[1] - bands[4]) / np.maximum(bands[1] + bands[4], 1e-3)
    snow = (ndsi > 0.4) & (bands[3] > 0.11)
    return float(masks[SNOW][snow].mean()), float(masks[CLOUD][snow].mean())
