"""Keys: the ids that tell one record from all others of its kind, outermost first.

A key is a value of its own type and at the same time its ids by name, which is what JSON, columns and routes have. It
has one way in, :meth:`Key.of`, and one way out, :meth:`Key.to_dict`. A key of something inside a project names the
project too, so wherever a :class:`ProjectKey` is asked for, a :class:`RunKey` will do.

::

    Key
    ├── CollaborationKey
    │   └── ProjectKey
    │       ├── RegistrationKey     a participant in a project: registration, tags, alignment
    │       └── ExperimentKey
    │           ├── RunKey          a run, and its model
    │           │   ├── ResultKey   a run at one participant: validation, prediction
    │           │   └── VersionKey  one of its trainings
    │           └── StudyKey
    │               └── TrialKey
    └── ParticipantKey
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from synergos.domain.identifiers import check_folder_name, check_identifier

JOB_IDS = ("collab_id", "project_id", "expt_id", "run_id", "participant_id")
"""The ids that the key of a job may have, outermost first."""


class Key(Mapping[str, str]):
    """Ids by name; equal to any mapping that says the same."""

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """The names of the ids, outermost first."""
        return tuple(getattr(cls, "__dataclass_fields__", ()))

    @classmethod
    def of(cls, ids: Mapping[str, str]) -> Self:
        """The key that ``ids`` hold, which may be those of something inside what is meant.

        Raises:
            KeyError: one of its ids is not among them.
        """
        return cls(*(ids[name] for name in cls.fields()))

    @classmethod
    def checked(cls, ids: Mapping[str, object]) -> Self:
        """The key that somebody outside has named.

        Raises:
            InvalidRequest: an id is missing, could leave its folder, or is longer than a folder's name; names it.
        """
        return cls(*(check_folder_name(ids.get(name), name) for name in cls.fields()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids alone, outermost first."""
        return tuple(vars(self).values())

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return dict(vars(self))

    def folder(self, root: Path) -> Path:
        """The folder below ``root`` for what belongs to it.

        Raises:
            InvalidRequest: an id could leave its folder.
        """
        return root.joinpath(*(check_identifier(value, name) for name, value in vars(self).items()))

    def __getitem__(self, name: str) -> str:
        value: str = vars(self)[name]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def __len__(self) -> int:
        return len(vars(self))

    def __hash__(self) -> int:
        return hash(self.ids)


# ``eq=False``: a key is compared as the mapping it is.
@dataclass(frozen=True, eq=False)
class CollaborationKey(Key):
    """One collaboration."""

    collab_id: str


@dataclass(frozen=True, eq=False)
class ParticipantKey(Key):
    """One participant, whatever it takes part in."""

    participant_id: str


@dataclass(frozen=True, eq=False)
class ProjectKey(CollaborationKey):
    """One project."""

    project_id: str

    @property
    def project(self) -> ProjectKey:
        """The project alone."""
        return ProjectKey(self.collab_id, self.project_id)

    def at(self, participant_id: str) -> RegistrationKey:
        """One participant in the project."""
        return RegistrationKey(self.collab_id, self.project_id, participant_id)


@dataclass(frozen=True, eq=False)
class RegistrationKey(ProjectKey):
    """One participant in a project."""

    participant_id: str


@dataclass(frozen=True, eq=False)
class ExperimentKey(ProjectKey):
    """One experiment."""

    expt_id: str

    @property
    def experiment(self) -> ExperimentKey:
        """The experiment alone."""
        return ExperimentKey(self.collab_id, self.project_id, self.expt_id)

    def run_called(self, run_id: str) -> RunKey:
        """One of its runs."""
        return RunKey(self.collab_id, self.project_id, self.expt_id, run_id)


@dataclass(frozen=True, eq=False)
class RunKey(ExperimentKey):
    """One run, and the model that it becomes."""

    run_id: str

    @property
    def run(self) -> RunKey:
        """The run alone."""
        return RunKey(self.collab_id, self.project_id, self.expt_id, self.run_id)

    def measured_at(self, participant_id: str) -> ResultKey:
        """What one participant says of its model."""
        return ResultKey(self.collab_id, self.project_id, self.expt_id, self.run_id, participant_id)

    def trained_as(self, version: int) -> VersionKey:
        """One of its trainings, counted from 1."""
        return VersionKey(self.collab_id, self.project_id, self.expt_id, self.run_id, str(version))


@dataclass(frozen=True, eq=False)
class ResultKey(RunKey):
    """What one participant says of a run's model."""

    participant_id: str


@dataclass(frozen=True, eq=False)
class VersionKey(RunKey):
    """One training of a run, by its number."""

    version: str


@dataclass(frozen=True, eq=False)
class StudyKey(ExperimentKey):
    """One search for hyperparameters."""

    study_id: str

    def trial(self, run_id: str) -> TrialKey:
        """One of its trials, by the run it is."""
        return TrialKey(self.collab_id, self.project_id, self.expt_id, self.study_id, run_id)


@dataclass(frozen=True, eq=False)
class TrialKey(StudyKey):
    """One trial of a study."""

    run_id: str


JobKey = ProjectKey | RunKey | ResultKey
"""What a job works on: a project (alignment), a run, or a run at one participant."""


def job_key(ids: Mapping[str, str]) -> JobKey:
    """What a job works on, by the ids that there are."""
    if "run_id" not in ids:
        return ProjectKey.of(ids)
    return ResultKey.of(ids) if "participant_id" in ids else RunKey.of(ids)
