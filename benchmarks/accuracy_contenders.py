"""Who is scored by `accuracy.py`: networks of ours, the spectral engine, and ukis-csmask where it is installed.

Run as a script, by the interpreter that has the peers, it masks arrays with ukis-csmask:

    python benchmarks/accuracy_contenders.py IN.npy OUT.npy l1c
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

SIDE = 256  # pixels to which chips are mirrored: the window that ukis-csmask works on
BANDS = ["blue", "green", "red", "nir", "swir16", "swir22"]
"""As ukis-csmask calls them."""


def mirrored(windows: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return arrays (..., h, w) mirrored at their edges to `side` rows and columns, their own pixels in the middle."""
    pads = [(0, 0)] * (windows.ndim - 2)
    for length in windows.shape[-2:]:
        before = (side - length) // 2
        pads.append((before, side - length - before))
    return np.pad(windows, pads, mode="symmetric")


def middle(layers: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return what `mirrored` had put in the middle, (..., h, w)."""
    row, col = ((layers.shape[at] - shape[at]) // 2 for at in (-2, -1))
    return layers[..., row : row + shape[0], col : col + shape[1]]


class Masker:
    """An engine of hlsmask, by the way that `hlsmask.predict` goes; loaded once."""

    def __init__(self, model: str) -> None:
        """Load `model`: a name or file."""
        from hlsmask.inference.options import Options
        from hlsmask.inference.run import open_engine

        self.options = Options(model=model, workers=1)
        self.engine = open_engine(self.options)

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Return masks uint8 (n, 5, h, w), 0, 1 or 255, of reflectance (n, 6, h, w), NaN where not observed."""
        from hlsmask.granules.arrays import ArrayScene
        from hlsmask.inference.run import Masking

        masks = np.full((len(windows), 5, *windows.shape[2:]), 255, np.uint8)
        for own, bands in zip(masks, windows, strict=True):
            if np.isnan(bands).any(axis=0).all():
                continue
            with Masking(ArrayScene(bands), self.engine, self.options) as masking:
                for rows in masking.rows():
                    own[:, *rows.window.slices] = np.stack(rows.masks)
        return masks


class Ukis:
    """ukis-csmask, in a process of the interpreter that has it."""

    def __init__(self, python: str) -> None:
        """Look for it there; `why` is what to tell where it is not, else empty."""
        self.python, self.version = python, ""
        code = "import ukis_csmask.mask; from importlib.metadata import version; print(version('ukis-csmask'))"
        try:
            found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        except OSError as error:
            problem = f"{python} cannot be run ({error.strerror})"
        else:
            problem = f"{python} does not have it: pip install 'ukis-csmask[cpu]' there" if found.returncode else ""
            self.version = found.stdout.strip()
        self.why = f"ukis-csmask is not scored: {problem}; or name another interpreter with --peers" if problem else ""

    def __call__(self, windows: np.ndarray, level: str) -> np.ndarray:
        """Return masks uint8 (n, 5, h, w), 255 but for cloud and shadow; `level` is l1c (top of atmosphere) or l2a."""
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "in.npy", Path(folder) / "out.npy"
            np.save(given, np.nan_to_num(windows.astype(np.float32)))
            ended = subprocess.run(
                [self.python, __file__, str(given), str(made), level], capture_output=True, text=True, check=False
            )
            if ended.returncode:
                raise SystemExit(f"ukis-csmask failed: {(ended.stderr.strip().splitlines() or ['it was killed'])[-1]}")
            codes = np.load(made)
        masks = np.full((len(windows), 5, *windows.shape[2:]), 255, np.uint8)
        masks[:, 1], masks[:, 2] = codes == 1, codes == 2
        return masks


def main(given: str, made: str, level: str) -> None:
    """Write what ukis-csmask says: 0 neither, 1 cloud, 2 cloud shadow; six bands and its documented defaults."""
    from ukis_csmask.mask import CSmask

    warnings.simplefilter("ignore")
    codes = [
        CSmask(
            img=np.ascontiguousarray(window.transpose(1, 2, 0)),
            band_order=BANDS,
            product_level=level,
            providers=["CPUExecutionProvider"],
        ).csm[..., 0]
        for window in np.load(given)
    ]
    np.save(made, np.stack(codes).astype(np.uint8))


if __name__ == "__main__":
    main(*sys.argv[1:])
