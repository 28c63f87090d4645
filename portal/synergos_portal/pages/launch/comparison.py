"""Runs beside each other: what they differ in, what came of them, and which of them is best at what."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from synergos.domain.class_figures import of_classes_with_rows
from synergos.domain.study import Direction
from synergos.foreign_json import items, mapping
from synergos.foreign_text import in_spreadsheet

Record = Mapping[str, object]
Directions = Mapping[str, Direction]
"""Which values of a statistic are better, by its name; of one that is not there nobody knows."""

MOST_RUNS = 8
OVERALL, MEAN = "overall.", "mean."
_NOT_ASKED = frozenset({"kind", "key", "doc_id", "relations", "link", "created_at", "damaged"})
_OF_TRAINING = ("rounds", "best_round", "train_loss", "evaluate_loss")
_MEASURED = "evaluate"
_NO_LABEL = "(no label)"
"""Of the second class where a project has one label: of rows that have another. No number, which may be a label itself."""


@dataclass(frozen=True)
class Measured:
    """A run, and what is known of it.

    Attributes:
        model: the record of its model; None where it is not trained, or not as it stands.
        validations: those of its model, one for each participant.
    """

    run: Record
    model: Record | None = None
    validations: Sequence[Record] = ()

    @property
    def name(self) -> str:
        """``experiment/run``; no id has a slash in it."""
        key = mapping(self.run["key"])
        return f"{key['expt_id']}/{key['run_id']}"


@dataclass(frozen=True)
class Line:
    """One thing that is known of every run.

    Attributes:
        name: as the records have it, of what is within something else with dots.
        values: in the order of the runs; None where it is not known.
        direction: which are better; None where nobody can say.
    """

    name: str
    values: tuple[Any, ...]
    direction: Direction | None = None

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return any(value != self.values[0] for value in self.values)

    @property
    def best(self) -> frozenset[int]:
        """The places of the best value, as often as it is there; none where all are as good, or fewer than two are known."""
        known = [value for value in self.values if _is_number(value)]
        if self.direction is None or len(known) < 2 or len(set(known)) < 2:
            return frozenset()
        best = max(known) if self.direction is Direction.MAXIMUM else min(known)
        return frozenset([place for place, value in enumerate(self.values) if value == best and _is_number(value)])


@dataclass(frozen=True)
class Comparison:
    """Some runs of one project, line by line.

    Attributes:
        names: the runs, as ``experiment/run``.
        parameters: all hyperparameters that any of them was given.
        participants: each participant's own statistics, by its id.
    """

    names: tuple[str, ...]
    parameters: tuple[Line, ...]
    training: tuple[Line, ...]
    statistics: tuple[Line, ...]
    participants: Mapping[str, tuple[Line, ...]]

    @classmethod
    def of(cls, runs: Sequence[Measured], directions: Directions) -> Comparison:
        """Compare them, in their order."""
        who = dict.fromkeys(_participant(each) for run in runs for each in run.validations)
        return cls(
            names=tuple(run.name for run in runs),
            parameters=_lines([_hyperparameters(run) for run in runs], {}),
            training=_lines([_training(run) for run in runs], {"train_loss": _LEAST, "evaluate_loss": _LEAST}),
            statistics=_lines([_together(run.validations) for run in runs], directions),
            participants={each: _lines([_own(run, each) for run in runs], directions) for each in sorted(who)},
        )

    @property
    def differing(self) -> tuple[Line, ...]:
        """The hyperparameters in which the runs differ."""
        return tuple(line for line in self.parameters if line.differs)

    def to_csv(self) -> str:
        """A row for each run: its ids, its hyperparameters, its training, and its statistics, those of each participant last."""
        own = [(f"{who}.", line) for who, lines in self.participants.items() for line in lines]
        columns = [
            *(("", line) for line in self.parameters),
            *(("model.", line) for line in self.training),
            *(("", line) for line in self.statistics),
            *own,
        ]
        written = io.StringIO()
        rows = csv.writer(written, lineterminator="\r\n")
        rows.writerow(["expt_id", "run_id", *(in_spreadsheet(prefix + line.name) for prefix, line in columns)])
        for place, name in enumerate(self.names):
            ids = [in_spreadsheet(part) for part in name.split("/", 1)]
            rows.writerow([*ids, *(_cell(line.values[place]) for _, line in columns)])
        return written.getvalue()


_LEAST = Direction.MINIMUM


def _lines(found: Sequence[Mapping[str, object]], directions: Directions) -> tuple[Line, ...]:
    names = dict.fromkeys(name for each in found for name in each)
    return tuple(
        Line(name, tuple([each.get(name) for each in found]), directions.get(_statistic(name))) for name in names
    )


def _statistic(name: str) -> str:
    """The statistic that a figure is one of: ``mean.f_score`` and ``f_score [1]`` are ``f_score``."""
    return name.removeprefix(OVERALL).removeprefix(MEAN).partition(" [")[0]


def _hyperparameters(measured: Measured) -> dict[str, object]:
    """What a run was given; of what it was not, what it was trained with."""
    trained = mapping((measured.model or {}).get("hyperparameters"))
    return flat({**trained, **{name: value for name, value in measured.run.items() if name not in _NOT_ASKED}})


def _training(measured: Measured) -> dict[str, object]:
    if measured.model is None:
        return {}
    figures = mapping(measured.model.get("figures"))
    return {"version": measured.model.get("version"), **{name: figures.get(name) for name in _OF_TRAINING}}


def _together(validations: Sequence[Record]) -> dict[str, object]:
    """The figures of all participants together; of those that only participants have, means over them."""
    together = pooled(validations)
    overall = {f"{OVERALL}{name}": value for name, value in mapping(together.get("overall")).items()}
    statistics = {name: value for name, value in mapping(together.get("statistics")).items() if value is not None}
    found = {name: value for name, value in {**statistics, **overall}.items() if not isinstance(value, list)}
    own = [mapping(mapping(each.get(_MEASURED)).get("statistics")) for each in validations]
    for name in dict.fromkeys(name for statistics in own for name in statistics):
        if name not in found and not _is_count(name):
            means = [_mean(of_classes_with_rows(statistics, name)) for statistics in own]
            found[f"{MEAN}{name}"] = _mean(means)
    return found


def _own(measured: Measured, participant: str) -> dict[str, object]:
    for validation in measured.validations:
        if _participant(validation) == participant:
            return dict(_of_participant(mapping(validation.get(_MEASURED))))
    return {}


def _participant(validation: Record) -> str:
    return str(mapping(validation["key"])["participant_id"])


def _of_participant(figures: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    """Each figure, of a list each class's by itself."""
    for name, value in mapping(figures.get("statistics")).items():
        if isinstance(value, list):
            labels = labels_of(figures, len(value))
            yield from ((f"{name} [{label}]", each) for label, each in zip(labels, value, strict=True))
        else:
            yield name, value
    for name, value in mapping(figures.get("overall")).items():
        if not isinstance(value, list):
            yield f"{OVERALL}{name}", value


def labels_of(figures: Mapping[str, object], count: int) -> Sequence[object]:
    """What the classes are called that figures by class are of; their numbers where that is not told."""
    classes = figures.get("classes")
    if not isinstance(classes, list) or len(classes) != count:
        return range(count)
    return [_NO_LABEL if label is None else label for label in classes]


def pooled(validations: Sequence[Record]) -> Record:
    """The figures of most participants: who was measured by itself later has figures of its own alone."""
    found = [mapping(each.get("pooled")) for each in validations]
    return max(found, key=lambda each: len(items(each.get("participants"))), default={})


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _is_count(name: str) -> bool:
    return name in {"TPs", "TNs", "FPs", "FNs"}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def flat(given: Mapping[str, object]) -> dict[str, object]:
    """The fields of an object, those of objects in it as ``outer.inner``."""
    found: dict[str, object] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            found |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        else:
            found[name] = value
    return found


def _cell(value: object) -> str:
    """As JSON has it, so that nothing of a number is lost; text as it is."""
    if value is None:
        return ""
    return in_spreadsheet(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
