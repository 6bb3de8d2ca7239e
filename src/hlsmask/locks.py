"""Files that one process at a time holds, as far as the system can tell."""

from __future__ import annotations

import sys
from typing import IO

if sys.platform != "win32":
    import fcntl


def lock(file: int | IO[bytes], *, wait: bool = True) -> bool:
    """Hold an open file until it is closed; return whether no other process does.

    Waits while another does, or, without `wait`, returns False then. On Windows, and on file systems without locks,
    nothing is held, and the answer is True.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks
    return True
