"""The words that studies and comparisons are made of, as the orchestrator's vocabulary has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos.domain.study import Direction
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.declared import Spot

PARTS = ("vocabulary",)
_OF_STUDIES = "families,statistics,metrics,search_space,searchers,pruners"


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
class TuningWords:
    """What there is to choose for a study.

    Attributes:
        directions: the metrics that a study of this project can go by, and which of their values are better.
        forms: how something can be drawn, by name.
        hyperparameters: the names of what runs can be given.
    """

    directions: Mapping[str, Direction]
    forms: Mapping[str, Form]
    searchers: Sequence[str]
    schedulers: Sequence[str]
    hyperparameters: Sequence[str]


@dataclass(frozen=True)
class _Statistic:
    name: str
    direction: Direction | None = None


@dataclass(frozen=True)
class _Named:
    name: str


@dataclass(frozen=True)
class _Family:
    hyperparameters: Sequence[_Named] = ()


@dataclass(frozen=True)
class _Vocabulary:
    statistics: Mapping[str, Sequence[_Statistic]] = field(default_factory=dict)
    metrics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    families: Mapping[str, _Family] = field(default_factory=dict)
    search_space: Sequence[Form] = ()
    searchers: Sequence[str] = ()
    pruners: Sequence[str] = ()


@dataclass(frozen=True)
class _Project:
    action: str | None = None


def words(client: Client, experiment: Spot) -> TuningWords:
    """What there is to choose for a study of an experiment.

    Raises:
        Refused: there is no such project.
    """
    project = client.record(_Project, *experiment.outer.parts, query={"relations": "none"})
    told = client.record(_Vocabulary, *PARTS, query={"fields": _OF_STUDIES})
    # A project that does not say what it does is refused by the orchestrator, in its own words.
    actions = [project.action] if project.action in told.metrics else list(told.metrics)
    known = _directions(told)
    return TuningWords(
        directions={name: known[name] for each in actions for name in told.metrics[each or ""] if name in known},
        forms={each.name: each for each in told.search_space},
        searchers=told.searchers,
        schedulers=told.pruners,
        hyperparameters=sorted({each.name for family in told.families.values() for each in family.hyperparameters}),
    )


def directions(client: Client) -> Mapping[str, Direction]:
    """Which values of a statistic are better, by its name."""
    return _directions(client.record(_Vocabulary, *PARTS, query={"fields": "statistics"}))


def _directions(told: _Vocabulary) -> dict[str, Direction]:
    return {
        each.name: each.direction for some in told.statistics.values() for each in some if each.direction is not None
    }
