"""Where the tensors of an answer go: into memory, of which all participants have so much together, or into a file."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from synergos.wire import Parcel
from synergos.wire.codec import CHUNK_BYTES

LARGEST = 2**24
"""Bytes of an answer above which a file takes little of what is done with it, and memory is dear."""
TOGETHER = 2**26
"""Bytes that answers of more than :data:`~synergos.wire.codec.CHUNK_BYTES` have in memory, however many there are."""


class AnswerMemory:
    """Memory for answers; used by the participants' threads at the same time.

    What is taken is given back when nobody has a tensor in it any more: when its round is committed, and what participants keep of
    it when they keep something newer. It is handed out again then, as the system takes as long for new memory as an answer does to
    come into it.
    """

    def __init__(self, together: int = TOGETHER) -> None:
        self._left = together
        # What was given back, by its size; part of what is left.
        self._spare: dict[int, list[NDArray[np.uint8]]] = {}
        # Reentrant, because memory may be given back in the middle of anything.
        self._lock = threading.RLock()

    def take(self, size: int) -> NDArray[np.uint8] | None:
        """So many bytes, of whatever they were before; None when a file has to do."""
        if size <= CHUNK_BYTES:
            # Not counted, so that nobody waits for a file that takes longer than all else that is done with it.
            return np.empty(size, np.uint8)
        with self._lock:
            if size > min(self._left, LARGEST):
                return None
            self._left -= size
            memory = self._spare_of(size)
        # Not a bytearray, which is zeros first.
        memory = np.empty(size, np.uint8) if memory is None else memory
        # Tensors in it keep this view of it alive, and nobody else does.
        found = memory.view()
        weakref.finalize(found, self._give_back, memory)
        return found

    def _spare_of(self, size: int) -> NDArray[np.uint8] | None:
        """Memory of that size that was given back; what is of another size goes, as answers of a run are mostly of one."""
        found = self._spare.get(size, [])
        self._spare = {size: found} if found else {}
        return found.pop() if found else None

    def _give_back(self, memory: NDArray[np.uint8]) -> None:
        with self._lock:
            self._left += len(memory)
            self._spare.setdefault(len(memory), []).append(memory)


@dataclass(frozen=True)
class Destination:
    """Where one answer may be put.

    Attributes:
        path: says which file, when there is no memory for it; ``create`` opens it, and does not cut off what was there before.
        watch: given an answer that is about to come into memory; told again and again up to which address it is there.
    """

    path: Callable[[], Path]
    memory: AnswerMemory
    create: Callable[[], BinaryIO]
    watch: Callable[[Parcel], Callable[[int], None]] = lambda parcel: lambda address: None
