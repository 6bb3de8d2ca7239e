"""Draw the pictures of the gallery and of the first page anew: simulated granules, masked by the default network.

`python docs/make_gallery.py` writes JPEGs into docs/images; nothing else is needed, and a run takes a minute or so.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

import hlsmask
from hlsmask.bands import HLS_FILL, HLS_SCALE, Sensor
from hlsmask.evaluation.confusion import Confusion
from hlsmask.inference.clear import clear_water
from hlsmask.masks import Mask
from hlsmask.products import page, render
from hlsmask.products.palette import LAYERS
from hlsmask.products.preview import BlockMeans
from hlsmask.testing import SimulatedGranule, simulate_granule, write_granule
from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES: Final = Path(__file__).resolve().parent / "images"
SEEDS: Final = range(6)
"""As they come: none was chosen for its looks."""

SIZE: Final = 480
"""Rows and columns of a granule of the gallery; a pixel of it is one of the picture."""

WIDTH: Final = 1400
"""Pixels of a picture."""


def main() -> None:
    """Draw them all."""
    for seed in SEEDS:
        granule = simulate_granule(SIZE, seed, sensor=tuple(Sensor)[seed % 2])
        masks = hlsmask.predict(granule.bands)
        said = np.stack([masks[name].values for name in LAYERS])
        _save(_picture(granule, said, str(masks.attrs["model"]), seed), IMAGES / f"gallery-{seed}.jpg")
    with TemporaryDirectory() as folder:  # what `hlsmask demo` shows
        home = write_granule(simulate_granule(1024), Path(folder))
        _save(hlsmask.quicklook(home, hlsmask.predict(home)), IMAGES / "quicklook.jpg")


def _picture(granule: SimulatedGranule, said: NDArray[np.uint8], model: str, seed: int) -> Image.Image:
    """Return true colour, what is said and what is true, side by side, with the scores of this one granule."""
    truth = np.concatenate([granule.truth, clear_water(granule.truth)[None]])
    panels = [("True colour", render.tone(_colour(granule)))]
    for name, layers in ((model, said), ("Truth", truth)):
        panels.append((name, render.overlay(panels[0][1], _means(granule, layers).coverage())))
    scores = {mask: Confusion.of(said[at], truth[at]) for at, mask in enumerate(Mask)}
    told = ", ".join(f"{mask.title} {score.f1:.2f}" for mask, score in scores.items() if score.hits + score.misses)
    sun = f"sun {90 - granule.sun.zenith:.0f} degrees high"
    return page.lay_out(
        [(name, Image.fromarray(pixels)) for name, pixels in panels],
        title=f"Seed {seed}: {granule.sensor}, {granule.time:%d %B}, {sun}",
        subtitle=f"F1 on this simulated granule: {told}",
        shares={name: float((layer == 1).sum() / (layer <= 1).sum()) for name, layer in zip(LAYERS, said, strict=True)},
        unseen=_means(granule, said).unseen(),
        metres=30,
    )


def _means(granule: SimulatedGranule, layers: NDArray[np.uint8]) -> BlockMeans:
    whole = Window(0, 0, *granule.fmask.shape)
    means = BlockMeans(granule.fmask.shape)
    means.add_bands(whole, _reflectance(granule))
    means.add_masks(whole, layers)
    return means


def _colour(granule: SimulatedGranule) -> NDArray[np.float32]:
    return _means(granule, np.zeros((len(LAYERS), *granule.fmask.shape), np.uint8)).true_colour()


def _reflectance(granule: SimulatedGranule) -> NDArray[np.float32]:
    stored = granule.bands
    return np.where(stored == HLS_FILL, np.float32(np.nan), stored.astype(np.float32) * np.float32(HLS_SCALE))


def _save(picture: Image.Image, path: Path) -> None:
    height = round(picture.height * WIDTH / picture.width)
    picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS).save(path, quality=80, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
