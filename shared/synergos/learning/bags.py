"""A bag: what an algorithm keeps or sends, as named sets of named tensors and plain numbers."""

from __future__ import annotations

import math
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from synergos.errors import Conflict

Weights = Mapping[str, Tensor]
"""Tensors by name; a network's state dict: parameters and buffers."""

WEIGHTS = "weights"
"""The set that is a model of the run: in a round's first message the global one, in an answer what became of it."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shapes of a set of float32 tensors, by name and in order; compared by identity, which says that two sets are alike."""

    by_name: Mapping[str, tuple[int, ...]]

    @cached_property
    def sizes(self) -> list[int]:
        """How many values each has."""
        return [math.prod(shape) for shape in self.by_name.values()]


class Packed(Mapping[str, Tensor]):
    """Float32 tensors that lie one after the other: what is to be done to each can be done to all at once.

    Attributes:
        flat: the values of all of them, in order; the tensors are views of it, made when somebody wants one.
    """

    def __init__(self, shapes: Shapes, flat: Tensor) -> None:
        self.shapes, self.flat = shapes, flat

    @classmethod
    def of(cls, weights: Weights, like: Weights) -> Packed | None:
        """A copy of the same weights, laid as ``like``, which has them in the same order; None where those do not lie together, or on
        another device.
        """
        if not isinstance(like, Packed) or list(weights) != list(like):
            return None
        pieces = [weights[name].detach().reshape(-1) for name in like]
        if any(piece.dtype is not torch.float32 or piece.device != like.flat.device for piece in pieces):
            return None
        return cls(like.shapes, torch.cat(pieces))

    def __getitem__(self, name: str) -> Tensor:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes.by_name)

    def __len__(self) -> int:
        return len(self.shapes.by_name)

    def keys(self) -> KeysView[str]:
        """In fewer steps than any mapping's."""
        return self.shapes.by_name.keys()

    def values(self) -> ValuesView[Tensor]:
        """In fewer steps than any mapping's."""
        return self._views.values()

    def items(self) -> ItemsView[str, Tensor]:
        """In fewer steps than any mapping's."""
        return self._views.items()

    @cached_property
    def addresses(self) -> list[int]:
        """Where each begins in memory."""
        begin, size = self.flat.data_ptr(), self.flat.itemsize
        return [begin + size * before for before in accumulate([0, *self.shapes.sizes[:-1]])]

    @cached_property
    def _views(self) -> dict[str, Tensor]:
        # In the memory of all of them: two threads may both make them.
        pieces = torch.split(self.flat, self.shapes.sizes)
        by_name = self.shapes.by_name.items()
        return {name: piece.view(shape) for (name, shape), piece in zip(by_name, pieces, strict=True)}


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
