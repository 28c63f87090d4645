"""What a program has from its start on is looked at by the collector of garbage once, and what comes later as ever.

It stays so after these tests: what was loaded before them is set apart already, and would be looked at again by all that come later.
"""

from __future__ import annotations

import gc
from weakref import ref

from synergos.program.lasting_objects import set_apart


class Circle:
    """Something that only the collector sees that nobody needs."""

    def __init__(self) -> None:
        self.itself = self


def looked_at(what: object) -> bool:
    return any(each is what for each in gc.get_objects())


def test_the_collector_looks_at_what_came_later_alone() -> None:
    there = Circle()

    set_apart()
    later = Circle()

    assert (looked_at(there), looked_at(later)) == (False, True)


def test_circles_that_nobody_needs_go_before_and_after() -> None:
    gone = ref(Circle())

    set_apart()
    assert gone() is None

    gone = ref(Circle())
    gc.collect()
    assert gone() is None
