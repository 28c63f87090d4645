"""The vocabulary of all requests: what can be named in them, what it means, what can be said to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from msgspec import Struct

from synergos.domain.feature_space import Action
from synergos.domain.search_space import FORMS, Form
from synergos.learning import families
from synergos.learning.statistics_words import Statistic, statistics_of
from synergos.learning.vocabulary import FamilyVocabulary, Part, algorithm_parts
from synergos.tuning import pruners, samplers
from synergos.tuning.metrics import metrics_of


class Vocabulary(Struct, frozen=True, kw_only=True):
    """What there is to name.

    Attributes:
        families: by name, what their experiments and runs can say.
        algorithms: with their settings.
        statistics: of validations, by what a project does.
        metrics: the statistics that a study can go by, likewise.
        search_space: how a hyperparameter can be drawn.
        searchers: what draws them, the usual one first; ``pruners`` end trials that are hopeless.
    """

    families: Mapping[str, FamilyVocabulary]
    algorithms: Sequence[Part]
    statistics: Mapping[str, Sequence[Statistic]]
    metrics: Mapping[str, Sequence[str]]
    search_space: Sequence[Form]
    searchers: Sequence[str]
    pruners: Sequence[str]


@cache
def vocabulary() -> Vocabulary:
    """All of it; it is the same as long as a program runs."""
    return Vocabulary(
        families={name: families.get(name).vocabulary() for name in families.FAMILIES.names},
        algorithms=algorithm_parts(),
        statistics={action.value: statistics_of(action) for action in Action},
        metrics={action.value: metrics_of(action) for action in Action},
        search_space=FORMS,
        searchers=tuple(dict.fromkeys([samplers.DEFAULT, *samplers.SEARCHERS.values()])),
        pruners=tuple(dict.fromkeys([pruners.DEFAULT, *pruners.SCHEDULERS.values()])),
    )
