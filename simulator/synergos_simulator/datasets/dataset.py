"""A dataset on disk: who holds which folders, and what is learnt from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Tag = tuple[str, ...]
"""Names of the folders that lead to a dataset folder below the data root, outermost first."""

Layer = Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """The folders one participant holds; an absent one has nothing for that purpose."""

    participant_id: str
    train: Tag
    evaluate: Tag | None = None
    predict: Tag | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset split over participants.

    Attributes:
        action: ``regress`` or ``classify``.
        root: the data root every worker is given; tags count from here.
        architecture: the network's layers, as an experiment wants them.
        hyperparameters: of a run that learns it well.
    """

    name: str
    action: str
    root: Path
    holdings: Sequence[Holding]
    architecture: Sequence[Layer]
    hyperparameters: Mapping[str, Any]

    def tags(self, purpose: str) -> list[list[str]]:
        """The folders all participants together hold for ``train``, ``evaluate`` or ``predict``."""
        found: list[Tag | None] = [getattr(holding, purpose) for holding in self.holdings]
        return [list(tag) for tag in found if tag is not None]


def layer(inputs: int, outputs: int, activation: str, is_input: bool = False) -> Layer:
    """A fully connected layer, as an experiment wants it."""
    return any_layer("Linear", activation, is_input=is_input, bias=True, in_features=inputs, out_features=outputs)


def any_layer(l_type: str, activation: str = "", *, is_input: bool = False, **structure: Any) -> Layer:
    """A layer of any type, as an experiment wants it."""
    return {"activation": activation, "is_input": is_input, "l_type": l_type, "structure": structure}
