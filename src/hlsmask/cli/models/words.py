"""Networks and their cards as a person reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.card import Card, Normalization
    from hlsmask.models.registry import Network

_MEANINGS: Final = {
    "shad": "slopes turned from the sun, without cast shadows",
    "shad+cast": "slopes turned from the sun, and cast shadows",
}
"""Of what a card says terrain shadow is."""


def millions(count: int) -> str:
    """Return a number of parameters such as `1.2 M`."""
    return f"{count / 1e6:.1f} M"


def gigas(cost: float) -> str:
    """Return 10^9 multiply-accumulates such as `4.3 GMAC`."""
    return f"{cost:.1f} GMAC"


def pretraining(network: Network) -> tuple[str, str]:
    """Return what the backbone can start from and the licence of that."""
    if network.pretraining is None:
        return "none", ""
    return network.pretraining.title + ("" if network.by_default else ", if asked for"), network.pretraining.licence


def windows(card: Card) -> str:
    """Return the window sizes that a network takes."""
    if card.fixed:
        return f"{card.size} x {card.size} only, neighbours share {card.overlap} pixels"
    seamless = ", masks do not depend on either" if card.seamless else ""
    sides = "" if card.multiple == 1 else f", sides in multiples of {card.multiple}"
    return f"any{sides}; {card.size} x {card.size} by default, neighbours share {card.overlap} pixels{seamless}"


def thresholds(card: Card) -> str:
    """Return the probabilities above which masks are there."""
    said = [f"{mask.title} {value:g}" for mask in card.masks if (value := card.thresholds.get(mask)) is not None]
    if len(said) < len(card.masks):
        said.append("0.5 for the others" if said else "0.5 for all (none was chosen by evaluation)")
    second = [f"{mask.title} {card.hysteresis[mask]}" for mask in card.masks if mask in card.hysteresis]
    return "; ".join([", ".join(said), *second])


def masks(card: Card) -> str:
    """Return the masks, with what exactly they mean where the card says it."""
    meanings = {mask: _MEANINGS.get(text, text) for mask, text in card.definitions.items()}
    return ", ".join(mask.title + (f" ({meanings[mask]})" if mask in meanings else "") for mask in card.masks)


def normalization(scaling: Normalization, bands: Sequence[str]) -> str:
    """Return what is done to reflectance before the network sees it."""
    if scaling.kind == "published":
        return (
            "joint minimum and maximum of all bands of a window become 0 and 1, as the improv-mask project does it: "
            "results depend on the brightest and the darkest pixel read together"
        )
    values = "reflectance" if scaling.kind == "linear" else "sqrt(reflectance + 0.1)"
    if set(scaling.mean) == {0.0} and set(scaling.std) == {1.0}:
        return f"{values}, as it is"
    if len(set(scaling.mean)) == len(set(scaling.std)) == 1:
        shifted = f"({values} - {scaling.mean[0]:g})" if scaling.mean[0] else values
        return f"{shifted} / {scaling.std[0]:g}, the same for all bands"
    each = zip(bands, scaling.mean, scaling.std, strict=False)
    return f"({values} - mean) / std: " + ", ".join(f"{band} {mean:.4f} / {std:.4f}" for band, mean, std in each)


def plain(value: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return a value of a card's provenance as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
