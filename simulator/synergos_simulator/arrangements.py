"""The ways of training that are compared: together, each participant alone, and on data that was pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synergos.errors import InvalidRequest
from synergos_simulator.datasets import Dataset

Tags = list[list[str]]

FEDERATED = "federated"
POOLED = "pooled"


@dataclass(frozen=True)
class Member:
    """One participant registered for a project, and the folders it trains and measures on."""

    participant_id: str
    train: Tags
    evaluate: Tags


@dataclass(frozen=True)
class Arrangement:
    """One way of training, as a project of its own.

    Attributes:
        name: for people; also the project's id.
    """

    name: str
    members: Sequence[Member]

    @property
    def project_id(self) -> str:
        """The project's id."""
        return self.name.replace(" ", "_")


def arrangements(dataset: Dataset) -> list[Arrangement]:
    """Federated first, then each participant alone, then pooled.

    A pooled model is trained by the first participant's worker: all workers here have the same data root.
    """
    everybody = [
        Member(holding.participant_id, _one(holding.train), _one(holding.evaluate)) for holding in dataset.holdings
    ]
    together = Arrangement(FEDERATED, everybody)
    if len(everybody) == 1:
        return [together]
    alone = [Arrangement(f"alone {member.participant_id}", [member]) for member in everybody]
    pool = Member(everybody[0].participant_id, dataset.tags("train"), dataset.tags("evaluate"))
    return [together, *alone, Arrangement(POOLED, [pool])]


def common_test_rows(dataset: Dataset) -> Tags:
    """The rows all ways of training are compared on: what everybody set aside, for no model to learn from.

    Raises:
        InvalidRequest: nobody has set anything aside.
    """
    tags = dataset.tags("predict") or dataset.tags("evaluate")
    if not tags:
        raise InvalidRequest(f"{dataset.name} has no predict or evaluate folders to compare on", "dataset")
    return tags


def _one(tag: Sequence[str] | None) -> Tags:
    return [] if tag is None else [list(tag)]
