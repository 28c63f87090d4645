"""What a step frees is there for the next one, and goes back to the system when it is told to."""

from __future__ import annotations

import resource

import torch

from synergos.program import freed_memory


def new_pages() -> int:
    """How many pages one step makes the system hand out."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.empty(5 * 2**20, dtype=torch.uint8).fill_(1) for _ in range(10)]
    held.clear()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_memory_stays_from_one_step_to_the_next_until_it_is_given_back() -> None:
    freed_memory.keep()
    for _ in range(2):
        new_pages()
    # What else this process takes meanwhile may come to lie between.
    from_step_to_step = min(new_pages() for _ in range(3))
    freed_memory.give_back()

    assert from_step_to_step < 4000
    assert new_pages() > 10_000
