"""A project file that was read: which keys it names, and what it says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synergos.domain.keys import ExperimentKey, ProjectKey, RegistrationKey, RunKey
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest, UnknownName
from synergos.federation.lines import Lines


@dataclass(frozen=True)
class Federation:
    """A collaboration's project, as its file declares it.

    Attributes:
        path: of the file.
        text: what is in it.
        content: the same as tables; JSON files that it names are in their places.
    """

    path: Path
    text: str
    content: Mapping[str, Any]

    @property
    def project(self) -> ProjectKey:
        """The project, and the collaboration that it is of."""
        return ProjectKey(self.content["collaboration"]["id"], self.content["project"]["id"])

    @property
    def experiments(self) -> Mapping[str, Mapping[str, Any]]:
        """What is said of each experiment, by id."""
        return dict(self.content.get("experiments", {}))

    @property
    def participants(self) -> Mapping[str, Mapping[str, Any]]:
        """What is said of each participant, by id."""
        return dict(self.content.get("participants", {}))

    @property
    def runs(self) -> Sequence[RunKey]:
        """All runs of all experiments, in the order of the file."""
        return [
            self._experiment(expt_id).run_called(run_id)
            for expt_id, experiment in self.experiments.items()
            for run_id in experiment.get("runs", {})
        ]

    @property
    def experiment_keys(self) -> Sequence[ExperimentKey]:
        """All experiments, in the order of the file."""
        return [self._experiment(expt_id) for expt_id in self.experiments]

    @property
    def registrations(self) -> Sequence[RegistrationKey]:
        """All participants in the project, in the order of the file."""
        return [RegistrationKey(**self.project, participant_id=participant_id) for participant_id in self.participants]

    @property
    def alignment(self) -> Mapping[str, Any]:
        """How an alignment is asked for, as far as the file says."""
        return dict(self.content.get("alignment", {}))

    @property
    def to_predict(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """The datasets to predict, by participant; those that have none are not in it."""
        tags = {who: said.get("tags", {}).get(Purpose.PREDICT, []) for who, said in self.participants.items()}
        return {who: given for who, given in tags.items() if given}

    def study(self, name: str | None = None) -> tuple[ExperimentKey, Mapping[str, Any]]:
        """A study's experiment and what is said of it; without a name that of the only study there is.

        Raises:
            InvalidRequest: there is none, or more than one to choose from.
            UnknownName: there is none of this name.
        """
        found = {
            study: (self._experiment(expt_id), said)
            for expt_id, experiment in self.experiments.items()
            for study, said in experiment.get("studies", {}).items()
        }
        if name is not None and name not in found:
            raise UnknownName(name, found, str(self.path), "a study of this file", listed=list(found))
        if name is None and len(found) != 1:
            raise InvalidRequest(
                f"expected the name of one of its studies: {', '.join(found) or 'it has none'}", str(self.path)
            )
        return found[name or next(iter(found))]

    def placed(self, error: InvalidRequest, field: str | None = None) -> InvalidRequest:
        """An error about this file, with the line of the field that it names, or of another one."""
        return InvalidRequest(str(error), self.place(field or error.field or ""))

    def place(self, field: str) -> str:
        """The file, and the line of a field as far as it is known."""
        line = self._lines.of(field)
        return str(self.path) if line is None else f"{self.path}, line {line}"

    def _experiment(self, expt_id: str) -> ExperimentKey:
        return ExperimentKey(**self.project, expt_id=expt_id)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)
