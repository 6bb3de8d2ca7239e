"""What can go wrong, grouped by what a handler would do.

::

    HlsmaskError
    ├── UsageError (ValueError)             the call is wrong: nothing was started; mend the call
    ├── SourceError (ValueError)            one source cannot be masked: skip it, do the others
    │   ├── UnreadableError                 missing, corrupt, refused by the server; maybe try again
    │   ├── MissingBandError                a band or asset that is needed is not there
    │   ├── GridError                       layers that should share one grid do not
    │   ├── NotReflectanceError             readable, but the numbers are not reflectance
    │   └── EmptySceneError                 not one pixel was observed
    ├── ModelError (ValueError)             weights that cannot be used: choose others
    │   └── CardError                       no card, or a card for other bands or masks
    ├── DatasetError (ValueError)           a list, folder or store of samples, or a file of sites, that cannot be used
    │   └── SampleError                     one sample cannot be used: leave it out, take the others
    ├── DivergedError (ArithmeticError)     training has left the numbers: resume from what was kept, more gently
    ├── MissingPackageError (ImportError)   a package of an extra is not installed: install it
    ├── ServiceError (OSError)              a catalogue or archive does not answer, or refuses
    └── OutputError (OSError)               results cannot be written: the folder, the disk

Every message is one sentence that names the file, says what is wrong and what would be right.
"""

from __future__ import annotations


class HlsmaskError(Exception):
    """Base of all errors that hlsmask raises on purpose."""


class UsageError(HlsmaskError, ValueError):
    """The call itself is wrong: an unknown mask, two sources with one ID, a threshold outside 0 to 1."""


class SourceError(HlsmaskError, ValueError):
    """One source cannot be masked; the others are not concerned."""


class UnreadableError(SourceError):
    """A file or URL is missing, truncated, corrupt, or its server refuses it."""


class MissingBandError(SourceError):
    """A band or asset that is needed is not there."""


class GridError(SourceError):
    """Layers that should share one grid differ in shape, position or CRS."""


class NotReflectanceError(SourceError):
    """The numbers are not reflectance, neither as stored nor after scaling."""


class EmptySceneError(SourceError):
    """Not one pixel of the scene was observed."""


class ModelError(HlsmaskError, ValueError):
    """Weights that cannot be used."""


class CardError(ModelError):
    """Weights without a card, or with a card that does not fit what is asked."""


class DatasetError(HlsmaskError, ValueError):
    """A list, folder or store of samples, or a file of sites, that cannot be used."""


class SampleError(DatasetError):
    """One sample cannot be used; the others are not concerned."""


class DivergedError(HlsmaskError, ArithmeticError):
    """A loss is no number any more."""


class MissingPackageError(HlsmaskError, ImportError):
    """A package that the light install lacks is needed."""


class ServiceError(HlsmaskError, OSError):
    """A catalogue or archive in the network does not answer, or refuses."""


class OutputError(HlsmaskError, OSError):
    """Results cannot be written."""


def first_line(error: Exception) -> str:
    """Return the first line of what `error` says, or its name if it says nothing."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
