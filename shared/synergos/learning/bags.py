"""A bag: what an algorithm keeps or sends, as named sets of named tensors and plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from synergos.errors import Conflict

Weights = Mapping[str, Tensor]
"""Tensors by name; a network's state dict: parameters and buffers."""

WEIGHTS = "weights"
"""The set that is a model of the run: in a round's first message the global one, in an answer what became of it."""


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
