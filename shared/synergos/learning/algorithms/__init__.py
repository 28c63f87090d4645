"""Federated algorithms: one file each, pure functions with the paper on top; a new algorithm is a new file."""

from __future__ import annotations

from synergos.errors import UnknownName
from synergos.learning.algorithms import fedavg, fedprox
from synergos.learning.algorithms.algorithm import Algorithm, Update, Weights

ALGORITHMS = {algorithm.name: algorithm for algorithm in (fedavg.ALGORITHM, fedprox.ALGORITHM)}

__all__ = ["ALGORITHMS", "Algorithm", "Update", "Weights", "get"]


def get(name: object, field: str = "algorithm") -> Algorithm:
    """The algorithm of that name.

    Raises:
        UnknownName: there is none.
    """
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise UnknownName(name, ALGORITHMS, field, "an algorithm")
    return ALGORITHMS[name]
