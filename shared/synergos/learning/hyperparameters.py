"""What a run says whatever its model: the algorithm, how long it trains, and when it stops; checked, with defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Self

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest, UnknownName
from synergos.learning import algorithms
from synergos.learning.run_fields import ALWAYS_SENT, GENERAL, IGNORED, OTHER_WORDS, Check, check_field

_ENVELOPE = frozenset(
    {"run_id", "expt_id", "project_id", "collab_id", "doc_id", "kind", "key", "relations", "created_at"}
)


@dataclass(frozen=True)
class Hyperparameters:
    """What a run asked for, with the defaults of what it did not ask for; a model family adds its own fields in a subclass.

    Attributes:
        mu: FedProx's proximal coefficient.
        patience: checks (epochs of a participant, rounds of the grid) without improvement before stopping.
        delta: by how much a loss must fall to be an improvement.
        min_participants: how many updates a round takes; ``None`` is everybody's.
        on_divergence: whether a training that diverges fails (``fail``), or ends with the best round before it did (``stop``).
        extras: every other key of the run.
    """

    checks: ClassVar[Mapping[str, Check]] = GENERAL
    """What each typed key may hold."""

    algorithm: str = "FedProx"
    rounds: int = 10
    epochs: int = 100
    mu: float = 0.1
    delta: float = 0.0
    patience: int = 10
    seed: int = 42
    min_participants: int | None = None
    on_divergence: str = "fail"
    is_condensed: bool = True
    is_snn: bool = False
    precision_fractional: int = 5
    extras: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_run(cls, run: Mapping[str, object], action: Action | None = None) -> Self:
        """Read a run record or request; keys that are null count as absent.

        Args:
            action: what the project does, when known.

        Raises:
            InvalidRequest: names the field and what was expected.
        """
        given = given_in(run)
        for name, value in given.items():
            check_field(name, value, cls.checks)
        known = {each.name for each in fields(cls)} - {"extras"}
        extras = {name: value for name, value in given.items() if name not in known}
        own: dict[str, Any] = {name: value for name, value in given.items() if name in known}
        found = cls(**own, extras=extras)
        found.make_algorithm()
        return found

    @property
    def loss(self) -> str:
        """What is reported as the loss; losses of different kinds cannot be compared."""
        return ""

    @property
    def least_loss(self) -> float | None:
        """Below which no loss can be; None where there is no such number."""
        return None

    def steps(self, rows: int) -> int:
        """How many steps an epoch over so many rows has; as many for all participants where that is not known."""
        return 1

    def make_algorithm(self) -> algorithms.Algorithm:
        """The federated algorithm, with its settings.

        Raises:
            InvalidRequest: there is none of that name, or one of its settings cannot have such a value.
        """
        return algorithms.made_for(self.to_dict())

    @cached_property
    def pull(self) -> float:
        """How strongly the algorithm draws participants back to where a round began; asked in each round, made once."""
        return self.make_algorithm().pull

    def to_dict(self) -> dict[str, object]:
        """As JSON-able values, the extras beside the named ones."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "extras"}
        return {**self.extras, **named}

    @classmethod
    def from_dict(cls, value: Mapping[str, object]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        return cls.from_run(value)


def given_in(run: Mapping[str, object]) -> dict[str, object]:
    """What a run record or request says of training; keys that are null count as absent."""
    return {name: value for name, value in run.items() if name not in _ENVELOPE and value is not None}


def general_fields(choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
    """The keys that mean something in a run whatever its model, with those that are known and without effect.

    Args:
        choices: the values that each key can have, of those that are known; the others have their defaults.
    """
    own = {each.name for each in fields(Hyperparameters)} - {"extras"}
    chosen = choices.get("algorithm", [Hyperparameters.algorithm])
    return frozenset(own | IGNORED.keys() | algorithms.setting_names(chosen))


def left_over(run: Mapping[str, object], known: Iterable[str]) -> list[str]:
    """The keys that a run says on purpose and that are not among those known; the client sends some asked or not."""
    return [name for name in given_in(run) if name not in ALWAYS_SENT.union(known)]


def of_another_algorithm(name: str, algorithm: str) -> InvalidRequest | None:
    """Why a key is of no use with this algorithm; None when it is no setting of another one either."""
    others = [other for other in algorithms.ALGORITHMS.names if name in algorithms.setting_names([other])]
    if not others or algorithm in others:
        return None
    return InvalidRequest(f"{algorithm} does not take it, {' or '.join(others)} would (algorithm)", name)


def unknown_key(name: str, known: Iterable[str], others: Iterable[str] = ()) -> UnknownName:
    """What is said of a key that no run knows.

    Args:
        known: the keys that this run can have.
        others: those that runs can have that are trained with something else.
    """
    candidates = sorted({*known, *others} - IGNORED.keys())
    return UnknownName(name, candidates, name, "a field of this run", meant=OTHER_WORDS.get(name.lower()))
