"""A lineage: what a model was made of, as it was trained, what was made with it, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose


class NodeKind(StrEnum):
    """What a model's lineage is made of, from its beginning to its end."""

    DATASET = "dataset"
    ALIGNMENT = "alignment"
    NETWORK = "network"
    RUN = "run"
    JOB = "job"
    MODEL = "model"
    VALIDATION = "validation"
    PREDICTION = "prediction"


class Compared(StrEnum):
    """Whether a dataset is what it was."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class State(StrEnum):
    """How a model stands to what it comes from."""

    UNTRAINED = "untrained"
    CURRENT = "current"
    CHANGED = "changed"


@dataclass(frozen=True)
class LineageNode:
    """One part of a lineage.

    Attributes:
        title: what it is called.
        participant: whose it is; None for what is all participants'.
        about: what is known of it, as JSON has it.
        changes: what has changed of it since the model was trained, in sentences.
    """

    id: str
    kind: NodeKind
    title: str
    participant: str | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """All of it.

    Attributes:
        nodes: in the order of their kinds.
        edges: from what something was made, to what was made of it, by the ids of nodes.
    """

    key: RunKey
    state: State
    nodes: tuple[LineageNode, ...]
    edges: tuple[tuple[str, str], ...]


def edges_of(nodes: Sequence[LineageNode]) -> Iterator[tuple[str, str]]:
    """How the parts of a lineage hang together: each kind comes of the one before, and what was measured of the model and its rows."""
    of_kind = {kind: [node for node in nodes if node.kind is kind] for kind in NodeKind}
    trunk = [kind for kind in NodeKind if kind not in _MEASURED_ON and of_kind[kind]]
    for earlier, later in pairwise(trunk):
        yield from ((before.id, after.id) for before in of_kind[earlier] for after in of_kind[later])
    for kind, purpose in _MEASURED_ON.items():
        for leaf in of_kind[kind]:
            yield from ((node.id, leaf.id) for node in of_kind[NodeKind.MODEL])
            own = [node for node in of_kind[NodeKind.DATASET] if node.participant == leaf.participant]
            yield from ((node.id, leaf.id) for node in own if purpose in _purposes_of(node))


def _purposes_of(dataset: LineageNode) -> Sequence[object]:
    purposes = dataset.about["purposes"]
    return purposes if isinstance(purposes, list) else ()


_MEASURED_ON = {NodeKind.VALIDATION: Purpose.EVALUATE, NodeKind.PREDICTION: Purpose.PREDICT}
