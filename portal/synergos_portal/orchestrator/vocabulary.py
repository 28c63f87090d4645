"""What can be named in requests, as forms, studies and comparisons are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos.domain.study import Direction
from synergos_portal.orchestrator.client import Client, as_kind
from synergos_portal.orchestrator.declared import Spot

FAMILY = "layers"
_OF_STUDIES = "families,statistics,metrics,search_space,searchers,pruners"


@dataclass(frozen=True)
class Argument:
    """Something that can be said: see the orchestrator's vocabulary."""

    name: str
    description: str | None = None
    schema: Mapping[str, object] = field(default_factory=dict)
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
class Form:
    """How something can be drawn.

    Attributes:
        values: what its values are, in their order; none where they are what is drawn.
    """

    name: str
    description: str = ""
    values: Sequence[str] = ()


@dataclass(frozen=True)
class Statistic:
    """A figure of models.

    Attributes:
        direction: which of its values are better.
    """

    name: str
    direction: Direction | None = None


@dataclass(frozen=True)
class Vocabulary:
    """What can be named; empty where it was not asked for."""

    families: Mapping[str, Family] = field(default_factory=dict)
    algorithms: Sequence[Part] = ()
    statistics: Mapping[str, Sequence[Statistic]] = field(default_factory=dict)
    metrics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    search_space: Sequence[Form] = ()
    searchers: Sequence[str] = ()
    pruners: Sequence[str] = ()

    @property
    def layers(self) -> Family:
        """The family that experiments have unless they say another."""
        return self.families.get(FAMILY, Family())

    @property
    def directions(self) -> dict[str, Direction]:
        """Which values of a statistic are better, by its name."""
        return {
            each.name: each.direction
            for some in self.statistics.values()
            for each in some
            if each.direction is not None
        }


@dataclass(frozen=True)
class TuningWords:
    """What there is to choose for a study.

    Attributes:
        directions: the metrics that a study of this project can go by, and which of their values are better.
    """

    directions: Mapping[str, Direction]
    forms: Mapping[str, Form]
    searchers: Sequence[str]
    schedulers: Sequence[str]
    hyperparameters: Sequence[str]


@dataclass(frozen=True)
class _Project:
    action: str | None = None


_made: dict[str, tuple[object, Vocabulary]] = {}
"""By the fields asked for an answer and what was made of it: forms want the same again. Threads replace a pair as a whole."""


def read(client: Client, fields: str = "families,algorithms") -> Vocabulary:
    """The vocabulary of the orchestrator that is shown, or these fields of it; nobody changes it."""
    told = client.answer("GET", "vocabulary", query={"fields": fields}).get("data")
    made = _made.get(fields)
    if made is None or made[0] is not told:
        made = _made[fields] = (told, as_kind(Vocabulary, told))
    return made[1]


def directions(client: Client) -> Mapping[str, Direction]:
    """Which values of a statistic are better, by its name."""
    return read(client, "statistics").directions


def words(client: Client, experiment: Spot) -> TuningWords:
    """What there is to choose for a study of an experiment.

    Raises:
        Refused: there is no such project.
    """
    project = client.record(_Project, *experiment.outer.parts, query={"relations": "none"})
    told = read(client, _OF_STUDIES)
    # A project that does not say what it does is refused by the orchestrator, in its own words.
    actions = [project.action] if project.action in told.metrics else list(told.metrics)
    known = told.directions
    return TuningWords(
        directions={name: known[name] for each in actions for name in told.metrics[each or ""] if name in known},
        forms={each.name: each for each in told.search_space},
        searchers=told.searchers,
        schedulers=told.pruners,
        hyperparameters=sorted({each.name for family in told.families.values() for each in family.hyperparameters}),
    )
