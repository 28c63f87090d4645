"""A bag: what an algorithm keeps or sends, as named sets of named tensors and plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from synergos.errors import Conflict

Weights = Mapping[str, Tensor]
"""Tensors by name; a network's state dict: parameters and buffers."""

WEIGHTS = "weights"
"""The set that is a model of the run: in a round's first message the global one, in an answer what became of it."""


@dataclass(frozen=True)
class Shapes:
    """The shapes of a set of float32 tensors, by name and in order; compared by identity, which says that two sets are alike."""

    by_name: Mapping[str, tuple[int, ...]]

    @cached_property
    def sizes(self) -> list[int]:
        """How many values each has."""
        return [math.prod(shape) for shape in self.by_name.values()]


class Packed(dict[str, Tensor]):
    """Float32 tensors that lie one after the other: what is to be done to each can be done to all at once.

    Attributes:
        flat: the values of all of them, in order; the tensors are views of it.
    """

    def __init__(self, shapes: Shapes, flat: Tensor) -> None:
        pieces = torch.split(flat, shapes.sizes)
        super().__init__(
            (name, piece.view(shape)) for (name, shape), piece in zip(shapes.by_name.items(), pieces, strict=True)
        )
        self.shapes, self.flat = shapes, flat


@dataclass(frozen=True)
class Bag:
    """A message, or a state.

    Attributes:
        sets: tensors by name, by the name of their set; may be read from a file one at a time.
        numbers: whatever else there is to say, in numbers.
    """

    sets: Mapping[str, Weights] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Weights:
        """The set of that name.

        Raises:
            Conflict: there is none.
        """
        if name not in self.sets:
            raise Conflict(f"there is no set {name!r}, only {', '.join(map(repr, self.sets)) or 'none'}")
        return self.sets[name]
