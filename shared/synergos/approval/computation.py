"""A computation: layers, hyperparameters, feature space and purposes of a run, or of all trials of a search; known by its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos.errors import NotAllowed
from synergos.foreign_text import on_terminal

_KIND = "synergos computation 1\n"
"""In front of what is hashed: another release may hash something else."""
LARGEST = 2**16
"""Bytes of the words of one: more than that nobody reads."""
_MOST_NAMES = 200


@dataclass(frozen=True)
class Computation:
    """What an orchestrator wants to compute.

    Attributes:
        family: of the model.
        architecture: its parts, as they are trained; where trials change them, as they were declared.
        hyperparameters: of the run; of a trial those that all trials of its search have in common.
        space: the feature space.
        purposes: whose rows it is computed on.
        search: the search space whose trial the run is; None where it is none.
        changes_model: whether that has parts of the model.
    """

    run: RunKey
    family: str
    architecture: Sequence[Mapping[str, object]]
    hyperparameters: Mapping[str, object]
    space: FeatureSpace
    purposes: Sequence[Purpose]
    search: Mapping[str, object] | None = None
    changes_model: bool = False

    @cached_property
    def digest(self) -> str:
        """64 hexadecimal digits that stand for all of it; of a trial, for what all trials of its search have in common.

        Raises:
            NotAllowed: it has numbers that are none.
        """
        try:
            text = json.dumps(self._content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        except ValueError:
            raise NotAllowed("what is to be computed has numbers that are none", "approval") from None
        return hashlib.sha256((_KIND + text).encode()).hexdigest()

    @property
    def title(self) -> str:
        """In one line: what it is of, and what it is for."""
        which = self.run.run_id if self.search is None else "all trials of a search"
        where = "/".join((*self.run.project.ids, self.run.expt_id, which))
        return _line(f"{where}: to {' and '.join(sorted(self.purposes))}")

    def words(self) -> list[str]:
        """All of it in lines that people can read.

        Raises:
            NotAllowed: there are more than anybody would read.
        """
        lines = [_line(line) for line in self._words()]
        if sum(len(line.encode()) + 1 for line in lines) > LARGEST:
            raise NotAllowed(
                f"what is to be computed takes more than {LARGEST} bytes of words, which no owner can approve",
                "approval",
            )
        return lines

    @property
    def _content(self) -> dict[str, object]:
        ids = dict(zip(("collab_id", "project_id", "expt_id", "run_id"), self.run.ids, strict=True))
        run = ids if self.search is None else {**ids, "run_id": None}
        return {
            "run": run,
            "family": self.family,
            "architecture": list(self.architecture),
            "hyperparameters": self.hyperparameters,
            "feature_space": self.space.to_dict(),
            "purposes": sorted(self.purposes),
            "search_space": self.search,
        }

    def _words(self) -> Iterator[str]:
        yield self.title
        how = (
            ", which each trial changes as it is searched below, and fits to that and to the rows"
            if self.changes_model
            else ""
        )
        yield f"model ({self.family}), {len(self.architecture)} parts{how}:"
        for number, part in enumerate(self.architecture, 1):
            yield f"  {number}. {_shown(part)}"
        if self.search is not None:
            yield "search space, from which each trial takes its own:"
            for name, drawn in sorted(self.search.items()):
                yield f"  {name}: {_shown(drawn)}"
        yield "run:" if self.search is None else "run, but for these:"
        for name, value in sorted(self.hyperparameters.items()):
            yield f"  {name} = {_shown(value)}"
        yield from _of_space(self.space)


def _line(text: str) -> str:
    """Text of others as one line: it makes no further one, and moves no cursor."""
    return on_terminal(text).replace("\n", "\\n").replace("\t", "\\t")


def _of_space(space: FeatureSpace) -> Iterator[str]:
    """The feature space: its columns, and of what else it has the rest as it stands."""
    yield f"rows: {space.datatype}, of the shape {_shown(space.input_shape)}, to {space.action}"
    for what, columns in (("numbers", space.numeric), ("categories", space.categorical)):
        if columns:
            names = sorted(columns)
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            yield f"  {len(names)} columns of {what}: {', '.join(names[:_MOST_NAMES])}{more}"
    if labels := space.labels:
        more = f" and {len(labels) - _MOST_NAMES} more" if len(labels) > _MOST_NAMES else ""
        yield f"  labels: {', '.join(labels[:_MOST_NAMES])}{more}"
    beside = {"options": space.options, "unseen": space.unseen, "minimum_rows": space.asked_minimum}
    for name, value in beside.items():
        if value:
            yield f"  {name}: {_shown(value)}"


def _shown(value: object, *, is_inner: bool = False) -> str:
    if isinstance(value, Mapping):
        listed = ", ".join(f"{name} {_shown(each, is_inner=True)}" for name, each in value.items())
        return f"({listed})" if is_inner else listed
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
