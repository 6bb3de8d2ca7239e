"""What was said of each sample, kept in a file, so that others can compute every figure again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsmask.aside import aside
from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.evaluation.counting import Answer
    from hlsmask.evaluation.seen import Seen
    from hlsmask.masks import Mask


@dataclass(frozen=True, slots=True)
class Predictions:
    """A folder of `ID.npz`, one a sample."""

    folder: Path
    """Where; an ID with slashes lies in folders below."""

    masks: tuple[Mask, ...]
    """What the probabilities are of."""

    def __call__(self, seen: Seen, answer: Answer) -> None:
        """Write what was said of a sample.

        `probabilities` float32 (masks, h, w), named by `names`, NaN where not observed; `masks` and `labels` uint8
        (5, h, w) in the order of `Mask`: 0, 1, or 255 which counts nowhere; where terrain shadow is judged,
        `sunlit` and `sunlit_labels` uint8 (h, w), the published class.

        Raises
        ------
        OutputError
            If the file cannot be written.
        UsageError
            If the ID leads out of the folder.
        """
        path = self.folder / f"{seen.id}.npz"
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(f"the sample {seen.id} would be written outside {self.folder}; give it a plain name")
        layers: dict[str, Any] = {"masks": answer.said, "labels": seen.labels}
        if answer.probabilities is not None:
            layers["probabilities"] = answer.probabilities
        layers["names"] = np.array([str(mask) for mask in self.masks])
        if answer.sunlit is not None:
            layers |= {"sunlit": answer.sunlit, "sunlit_labels": seen.sunlit}
        with aside(path) as draft:
            np.savez(draft, **layers)
