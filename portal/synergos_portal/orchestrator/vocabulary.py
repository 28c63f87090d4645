"""What can be named in requests, as forms are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos_portal.orchestrator.client import Client

FAMILY = "layers"


@dataclass(frozen=True)
class Argument:
    """Something that can be said: see the orchestrator's vocabulary."""

    name: str
    description: str | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    is_required: bool = False
    is_common: bool = False


@dataclass(frozen=True)
class Part:
    """Something that can be named, with what can be said to it."""

    name: str
    description: str | None = None
    arguments: Sequence[Argument] = ()
    actions: Sequence[str] | None = None


@dataclass(frozen=True)
class Family:
    """What an experiment of one family, and a run of it, can say."""

    hyperparameters: Sequence[Argument] = ()
    roles: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    layers: Sequence[Part] = ()
    activations: Sequence[str] = ()


@dataclass(frozen=True)
class Vocabulary:
    """What the forms of experiments and runs are made of."""

    families: Mapping[str, Family] = field(default_factory=dict)
    algorithms: Sequence[Part] = ()

    @property
    def layers(self) -> Family:
        """The family that experiments have unless they say another."""
        return self.families.get(FAMILY, Family())


def read(client: Client) -> Vocabulary:
    """The vocabulary of the orchestrator that is shown."""
    return client.record(Vocabulary, "vocabulary", query={"fields": "families,algorithms"})
