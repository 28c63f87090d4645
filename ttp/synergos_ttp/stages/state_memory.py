"""Whose memory the tensors of an algorithm's states lie in: that of a state that is over is lent to who makes the next one."""

from __future__ import annotations

from collections.abc import Iterable

from synergos.learning.algorithms import Bag, Weights
from synergos.learning.bags import Packed


class StateMemory:
    """Of the states of one training. It runs in the job's thread.

    Args:
        initial: the state before the first round, which somebody else has made: its memory may be part of some of those that follow.
    """

    def __init__(self, initial: Bag) -> None:
        self._others = _memory(initial)
        self._past: Bag | None = None
        self._newest: Bag | None = None

    def follows(self, state: Bag) -> None:
        """A round has made a state."""
        self._past, self._newest = self._newest, state
        # No state to come has what these two have not, but perhaps what is new at an address that was free.
        self._others &= _memory(state) | (_memory(self._past) if self._past else set())

    def spare(self) -> dict[str, Weights]:
        """The sets of the state before the newest, as far as nobody else has anything in their memory."""
        if self._past is None or self._newest is None:
            return {}
        taken = _memory(self._newest) | self._others
        lent = {name: own for name, own in self._past.sets.items() if isinstance(own, dict | Packed)}
        return {name: own for name, own in lent.items() if not _memory(Bag({name: own})) & taken}


def _memory(state: Bag) -> set[int]:
    """Where the tensors of a state lie."""
    return {address for tensors in state.sets.values() for address in _addresses(tensors)}


def _addresses(tensors: Weights) -> Iterable[int]:
    return tensors.addresses if isinstance(tensors, Packed) else (tensor.data_ptr() for tensor in tensors.values())
