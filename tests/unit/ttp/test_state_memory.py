"""The memory of a state that is over is lent to who makes the next one, and of no other."""

from __future__ import annotations

import torch

from synergos.learning.bags import WEIGHTS, Bag, Packed, Shapes, Weights
from synergos_ttp.stages.state_memory import StateMemory

SHAPES = Shapes({"w": (3,), "v": (2,)})


def lying_together() -> Packed:
    return Packed(SHAPES, torch.zeros(5))


def lying_apart() -> Weights:
    return {"w": torch.zeros(3), "v": torch.zeros(2)}


def test_the_state_before_the_newest_is_lent_however_its_tensors_lie() -> None:
    for made in (lying_together, lying_apart):
        first, second, third = (made() for _ in range(3))
        memory = StateMemory(Bag({WEIGHTS: first}))
        memory.follows(Bag({WEIGHTS: second}))
        assert memory.spare() == {}

        memory.follows(Bag({WEIGHTS: third}))

        assert memory.spare()[WEIGHTS] is second


def test_what_is_part_of_the_newest_state_is_not_lent() -> None:
    initial, past = lying_apart(), lying_together()
    memory = StateMemory(Bag({WEIGHTS: initial}))
    memory.follows(Bag({WEIGHTS: past}))

    memory.follows(Bag({WEIGHTS: {"w": past["w"], "v": torch.ones(2)}}))

    assert memory.spare() == {}
