"""What was made lately, so that it need not be made again."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Made = TypeVar("Made")


class Recent(Generic[Made]):
    """The last things made, by key. Threads that ask for one thing at once wait for one of them to make it."""

    def __init__(self, size: int) -> None:
        """Keep `size` things."""
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Future[Made]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `key` stands for, made by `make` if it is not kept; what fails is not kept."""
        with self._lock:
            future = self._kept.get(key)
            mine = future is None
            if future is None:
                future = self._kept[key] = Future()
                if len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - who waits must hear of it, whatever it is
                future.set_exception(error)
                with self._lock:
                    self._kept.pop(key, None)
        return future.result()
