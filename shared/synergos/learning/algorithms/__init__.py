"""Federated algorithms, one file each with the paper on top; a new algorithm is a new file and a name in this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synergos.learning.algorithms.algorithm import (
    Adjust,
    Algorithm,
    Answer,
    Like,
    Local,
    Model,
    Reduction,
    Server,
    Step,
    Trained,
)
from synergos.learning.algorithms.answers import Answers, Reply
from synergos.learning.algorithms.averaging import Weighted, average
from synergos.learning.algorithms.fedadagrad import FedAdagrad
from synergos.learning.algorithms.fedadam import FedAdam
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.fedavgm import FedAvgM
from synergos.learning.algorithms.fedprox import FedProx
from synergos.learning.algorithms.fedyogi import FedYogi
from synergos.learning.algorithms.scaffold import Scaffold
from synergos.learning.algorithms.settings import settings_of
from synergos.learning.bags import WEIGHTS, Bag, Weights
from synergos.registry import Registry

ALGORITHMS: Registry[type[Algorithm]] = Registry(
    "an algorithm", FedAvg, FedProx, FedAvgM, FedAdam, FedYogi, FedAdagrad, Scaffold
)

__all__ = [
    "ALGORITHMS",
    "WEIGHTS",
    "Adjust",
    "Algorithm",
    "Answer",
    "Answers",
    "Bag",
    "Like",
    "Local",
    "Model",
    "Reduction",
    "Reply",
    "Server",
    "Step",
    "Trained",
    "Weighted",
    "Weights",
    "average",
    "get",
    "made_for",
    "setting_names",
]


def get(name: object, field: str = "algorithm") -> type[Algorithm]:
    """The algorithm of that name.

    Raises:
        UnknownName: there is none.
    """
    return ALGORITHMS.get(name, field)


def made_for(run: Mapping[str, object]) -> Algorithm:
    """The algorithm of a run, with its settings.

    Args:
        run: its keys with their values; those that are no settings of the algorithm are left alone.

    Raises:
        UnknownName: there is no such algorithm.
        InvalidRequest: a setting cannot have such a value; names it.
    """
    algorithm = get(run.get("algorithm"))
    checks = settings_of(algorithm)
    given = {name: run[name] for name in checks if run.get(name) is not None}
    for name, value in given.items():
        checks[name](name, value)
    return algorithm(**given)


def setting_names(algorithms: Iterable[object] = ALGORITHMS.names) -> frozenset[str]:
    """The keys of a run that are settings of some of these algorithms; what is no name of one has none."""
    known = [name for name in algorithms if name in ALGORITHMS.names]
    return frozenset(setting for name in known for setting in settings_of(get(name)))
