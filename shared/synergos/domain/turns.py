"""Turns: several share what serves one at a time, and nobody waits behind all that another has asked for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heapreplace
from typing import Any, TypeVar

Sharer = TypeVar("Sharer", bound=Hashable)
Item = TypeVar("Item")


def in_turn(lines: Mapping[Sharer, Iterable[Item]], served: Mapping[Sharer, Any]) -> Iterator[Item]:
    """The items in the order in which they are served when no others come: each line in its own order, the lines in turn.

    The turn is with the line that was served longest ago, and before all with one that never was, in the order given. (Fair
    queueing by sources: Nagle, "On packet switches with infinite storage", IEEE Transactions on Communications 35, 1987.)

    Args:
        lines: what each sharer waits for; of those never served, who comes first is served first.
        served: when each was last served, as values that can be compared.
    """
    # A place is nobody else's, so lines are never compared.
    heap = [
        ((1, served[sharer]) if sharer in served else (0, 0), place, iter(line))
        for place, (sharer, line) in enumerate(lines.items())
    ]
    heapify(heap)
    turn = 0
    while heap:
        _, place, line = heap[0]
        for item in line:
            yield item
            turn += 1
            # What is served meanwhile comes after all that was served before.
            heapreplace(heap, ((2, turn), place, line))
            break
        else:
            heappop(heap)
