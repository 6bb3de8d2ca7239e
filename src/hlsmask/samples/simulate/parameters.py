"""All parameters of the simulation, in one value that can be written down and read back."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from hlsmask.errors import UsageError
from hlsmask.samples.simulate.ground import Ground, Relief, Snow, WaterColour
from hlsmask.samples.simulate.ranges import check
from hlsmask.samples.simulate.sky import Air, Clouds, Instrument, Light, Shadow

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is laid over clear scenes, how often and how much; two numbers are the least and most of an even draw."""

    ground: Ground = field(default_factory=Ground)
    """How the background is changed before anything is laid on it."""

    water: WaterColour = field(default_factory=WaterColour)
    """What water looks like."""

    snow: Snow = field(default_factory=Snow)
    """Snow on land, ice on water."""

    relief: Relief = field(default_factory=Relief)
    """Mountains, and the light on them."""

    light: Light = field(default_factory=Light)
    """The sun, one for all of a window, and the light of the sky."""

    clouds: Clouds = field(default_factory=Clouds)
    """Clouds of all kinds, in a low and a high layer."""

    shadow: Shadow = field(default_factory=Shadow)
    """Shadows that clouds cast."""

    air: Air = field(default_factory=Air)
    """Haze, smoke, and the air itself."""

    instrument: Instrument = field(default_factory=Instrument)
    """What the sensor and its processing do."""

    pixel: float = 30.0
    """Metres of a pixel's side."""

    def __post_init__(self) -> None:
        check(self, 1, 1000, "pixel")

    def to_dict(self) -> dict[str, Any]:
        """Return tables of plain numbers, lists and strings, as JSON and TOML hold them."""
        return dict(json.loads(self.to_json()))

    def to_json(self) -> str:
        """Return the parameters as JSON."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_dict(cls, tables: dict[str, Any]) -> Simulation:
        """Return the parameters of tables such as those of JSON or TOML; what is left out stays as it is by default.

        Raises
        ------
        UsageError
            If a name is not known or a value does not fit.
        """
        made: Simulation = _merge(cls(), tables, "simulation")
        return made

    @classmethod
    def from_json(cls, text: str) -> Simulation:
        """Return the parameters that `to_json` wrote.

        Raises
        ------
        UsageError
            If it is not JSON, a name is not known, or a value does not fit.
        """
        try:
            tables = json.loads(text)
        except ValueError as error:
            raise UsageError(f"the parameters of a simulation must be JSON: {error}") from error
        return cls.from_dict(tables)


def read_parameters(path: Path) -> Simulation:
    """Return the parameters of a .toml or .json file; what is left out stays as it is by default.

    Raises
    ------
    UsageError
        If the file cannot be read, a name is not known or a value does not fit.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".toml":
            return Simulation.from_dict(tomllib.loads(text))
        return Simulation.from_json(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} holds no parameters of a simulation: {error}") from error


def _merge(default: Any, tables: Any, path: str) -> Any:  # noqa: ANN401 - any of the parts
    """Return `default`, a dataclass, with the values that `tables` names."""
    if not isinstance(tables, dict):
        raise UsageError(f"{path} must be a table of names and values, not {tables!r}")
    known = [part.name for part in fields(default)]
    values = {name: getattr(default, name) for name in known}
    for name, value in tables.items():
        if name not in known:
            raise UsageError(f"{path} has no parameter {name!r}; it has {', '.join(known)}")
        old = values[name]
        if is_dataclass(old):
            values[name] = _merge(old, value, f"{path}.{name}")
        else:
            values[name] = _like(old, value, f"{path}.{name}")
    return type(default)(**values)


def _like(old: Any, value: Any, path: str) -> Any:  # noqa: ANN401 - a number, a range or a word
    """Return `value` in the form of `old`."""
    if isinstance(old, str) and isinstance(value, str):
        return value
    numbers = value if isinstance(old, tuple) else [value]
    count = 2 if isinstance(old, tuple) else 1
    right = isinstance(numbers, (list, tuple)) and len(numbers) == count and not isinstance(old, str)
    if not right or any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        form = "a word" if isinstance(old, str) else "two numbers, least first" if count > 1 else "a number"
        raise UsageError(f"{path} is {value!r}; use {form}")
    try:
        return tuple(float(number) for number in numbers) if count > 1 else float(value)
    except OverflowError as error:
        raise UsageError(f"{path} is a whole number too large to reckon with; use a smaller one") from error
