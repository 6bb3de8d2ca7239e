"""What was kept of which granule, what was dropped, and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from hlsmask import __version__
from hlsmask.aside import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hlsmask.samples.building.pairing import Pair

NAME: Final = "report.json"
"""Its name in the store."""

LOG: Final = "pairs.jsonl"
"""File in the store of the pairs that are done, a line each: a run that was cut off does not read them again."""

SCHEMA: Final = 1
"""Changes whenever what the report's words mean changes."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a granule and its product."""

    granule: str
    """Name."""

    product: str = ""
    """Name of the DSWx-HLS product, "" where none is used."""

    kept: tuple[str, ...] = ()
    """Names of the samples that are in the store."""

    dropped: Mapping[str, str] = field(default_factory=dict)
    """Why not, by the names of the samples that are not."""

    cloudy: tuple[str, ...] = ()
    """Names of the samples that are all cloud; whether they are kept is decided last."""

    error: str = ""
    """Why the granule could not be cut to its end, "" if it could."""

    @classmethod
    def of(cls, pair: Pair) -> Account:
        """Return the account of a pair of which nothing has been cut."""
        return cls(pair.granule.id, "" if pair.product is None else pair.product.id)

    def decided(self, chosen: frozenset[str], reason: str) -> Account:
        """Return the account once it is known which of the all-cloud samples are kept."""
        late = {name: reason for name in self.cloudy if name not in chosen}
        kept = tuple(name for name in self.cloudy if name in chosen)
        return replace(self, kept=self.kept + kept, dropped={**self.dropped, **late}, cloudy=())


@dataclass(frozen=True, slots=True)
class Report:
    """What was kept and dropped in a build."""

    accounts: tuple[Account, ...]
    """Of each pair."""

    options: Mapping[str, Any]
    """How it was built."""

    without_product: Mapping[str, str] = field(default_factory=dict)
    """Why, by the names of the granules that were left out because they have no product."""

    without_granule: tuple[str, ...] = ()
    """Names of the products that were left out because they have no granule."""

    superseded: tuple[str, ...] = ()
    """Names of the products that were left out because there is a newer production."""

    masks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By mask, the pixels of the whole store at which it is `present`, `absent` and `unknown`."""

    splits: Mapping[str, Any] = field(default_factory=dict)
    """How the samples were divided."""

    @property
    def kept(self) -> int:
        """Samples that are in the store."""
        return sum(len(account.kept) for account in self.accounts)

    @property
    def dropped(self) -> dict[str, int]:
        """Samples that are not, by reason, the most frequent first."""
        return dict(Counter(reason for account in self.accounts for reason in account.dropped.values()).most_common())

    @property
    def failed(self) -> tuple[Account, ...]:
        """Pairs that could not be cut to their end."""
        return tuple(account for account in self.accounts if account.error)

    def write(self, store: Path) -> Path:
        """Write it into the store as JSON; return its path.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        path = store / NAME
        content = {
            "schema": SCHEMA,
            "hlsmask": __version__,
            "options": dict(self.options),
            "samples": {"kept": self.kept, "dropped": self.dropped},
            "masks": self.masks,
            "splits": self.splits,
            "failed": [
                {"granule": one.granule, "product": one.product, "reason": one.error, "kept": len(one.kept)}
                for one in self.failed
            ],
            "granules_without_product": self.without_product,
            "products_without_granule": self.without_granule,
            "products_superseded": self.superseded,
            "pairs": [
                {"granule": one.granule, "product": one.product, "kept": one.kept, "dropped": one.dropped}
                for one in self.accounts
            ],
        }
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return path


def read_log(store: Path) -> dict[tuple[str, str], Account]:
    """Return the accounts of the pairs that earlier runs finished, by granule and product; a cut-off line is none."""
    found = {}
    for values in _entries(store):
        try:
            account = Account(
                values["granule"], values["product"], tuple(values["kept"]), values["dropped"], tuple(values["cloudy"])
            )
        except (LookupError, TypeError):
            continue
        found[account.granule, account.product] = account
    return found


def read_products(store: Path) -> dict[str, str]:
    """Return by granule the name of the product that was used last, "" where none was, as the log has it."""
    found: dict[str, str] = {}
    for values in _entries(store):
        try:
            granule, product = str(values["granule"]), str(values["product"])
        except LookupError:
            continue
        if values.get("begun"):
            found[granule] = product
        else:
            found.setdefault(granule, product)
    return found


def _entries(store: Path) -> Iterator[dict[str, Any]]:
    """Give the lines of a store's log that can be read; there is none in a new store."""
    try:
        lines = (store / LOG).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            yield values


def begin_line(account: Account) -> str:
    """Return the line of the log that says that a granule is cut with a product from now on."""
    return json.dumps({"granule": account.granule, "product": account.product, "begun": True}) + "\n"


def log_line(account: Account) -> str:
    """Return the line of the log of an account."""
    return json.dumps(asdict(account)) + "\n"


def masks_of_rows(counts: Mapping[Any, Sequence[int]]) -> dict[str, dict[str, int]]:
    """Return counts (present, absent, unknown) of each mask as the report has them."""
    return {str(mask): dict(zip(("present", "absent", "unknown"), each, strict=True)) for mask, each in counts.items()}
