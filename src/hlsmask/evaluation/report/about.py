"""What a report says of the circumstances of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What was judged, on what, and how."""

    checkpoint: str
    """Name of the file of weights."""

    version: str
    """SHA-256 of its weights, or another name of their version; "" where there is none."""

    data: str
    """Where the samples lie."""

    validation: int
    """Samples from which thresholds were chosen; 0 where they came with the weights."""

    test: int
    """Samples that were judged."""

    thresholds: str
    """Where the thresholds come from."""

    published_scoring: bool = False
    """Whether pixels that were not observed were counted, as the paper counts them."""

    notes: tuple[str, ...] = ()
    """What whoever reads the figures should know, a sentence each."""

    date: str = ""
    """Of the evaluation, such as `2025-03-04`."""

    benchmark: str = ""
    """Title of the human labels that were judged on; "" where they are those of the data."""

    split: str = ""
    """Of these labels, as it was named; "" where none was."""

    protocol: str = ""
    """How these labels were made comparable; "" where there is nothing to say."""
