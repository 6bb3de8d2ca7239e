"""How a person wants many sources masked; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass

from hlsmask.errors import UsageError


@dataclass(frozen=True, slots=True)
class Many:
    """How many sources are masked side by side. Needs `hlsmask[cluster]`."""

    scheduler: str | None = None
    """Address of a Dask scheduler whose workers mask, such as tcp://10.0.0.5:8786. Else the cores of this machine."""

    processes: int | None = None
    """Processes on this machine that mask, each one source at a time; each takes up to 700 MB. Else one a core."""

    dry_run: bool = False
    """Tell what would be done, how much would be read and about how long it takes; then end."""

    tries: int = 4
    """Times that a source is tried whose server is busy or does not answer."""

    log_json: bool = False
    """Print a JSON object a line, for machines: the plan, each source, the summary."""

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise UsageError(f"--processes is {self.processes}; use 1 or more")
        if self.tries < 1:
            raise UsageError(f"--tries is {self.tries}; use 1 or more")
        if self.scheduler is not None and self.processes is not None:
            raise UsageError(
                f"--processes {self.processes} is for this machine; leave it out, or --scheduler {self.scheduler}"
            )

    @property
    def asked(self) -> bool:
        """Whether anything is asked for that takes more than one source after the other."""
        return self != Many(tries=self.tries)
