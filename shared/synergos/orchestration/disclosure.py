"""What is told of a record, a job or a trial to somebody who has not all of its collaboration.

Told is what is named here and nothing else: a field that is added is kept from others until somebody decides that it tells of no
participant. Of what tells of several, each participant is told its own part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from synergos.domain.damage import DAMAGED
from synergos.domain.job import Job, JobError
from synergos.domain.job_event import JobEvent, JobEventKind, RoundLoss
from synergos.domain.job_options import JobOptions
from synergos.domain.records import OWN_FIELDS, RECORD_TYPES, Ids, Kind, Record
from synergos.domain.study import Study, Trial
from synergos.orchestration.view import View
from synergos.records.counting import Readable

WITHHELD = "what went wrong is told to whom it concerns, and to whom the collaboration belongs"
ANOTHER = "another participant"
"""In the place of a name that is not told."""

_OF_MODELS = frozenset(
    {
        "version",
        "job",
        "trained_at",
        "definition",
        "family",
        "architecture",
        "hyperparameters",
        "kept_versions",
        "is_current",
        "is_outdated",
    }
)
_OF_FIGURES = frozenset({"rounds", "best_round", "train_loss", "evaluate_loss"})
_OF_POOLED = frozenset({"statistics", "classes", "overall", "over", "curves"})
_OF_EXPORTS = frozenset({"origin", "sha256"})
_OF_PROGRESS = frozenset({"fraction", "round", "rounds", "checkpoints", "seconds_left", "position", "updated_at"})
_OF_EVENTS: Mapping[JobEventKind, frozenset[str]] = {
    JobEventKind.ACCEPTED: frozenset(),
    JobEventKind.TAKEN_UP: frozenset({"ttp", "grid", "is_resumed"}),
    JobEventKind.WORK_BEGAN: frozenset(),
    JobEventKind.TRAINING_BEGAN: frozenset({"rounds", "after"}),
    JobEventKind.ROUND_DONE: frozenset({"round", "rounds", "loss"}),
    JobEventKind.AWAITED: frozenset({"until", "for"}),
    JobEventKind.BACK: frozenset(),
    JobEventKind.GIVEN_UP: frozenset(),
    JobEventKind.RETRIED: frozenset({"seconds"}),
    JobEventKind.HELD: frozenset(),
    JobEventKind.INTERRUPTED: frozenset(),
    JobEventKind.OWNER_LOST: frozenset({"ttp"}),
    JobEventKind.CANCEL_ASKED: frozenset(),
    JobEventKind.MORE: frozenset(),
    JobEventKind.ENDED: frozenset({"state"}),
}
"""What is told of an event that is about another participant, or about none; of other kinds nothing."""
_BY_PARTICIPANT = frozenset({"left_out", "absent", "shortened"})
_OF_OPTIONS = frozenset(JobOptions.__optional_keys__) - {"tags", "trial"}
_ADDRESSES = frozenset({"catalogue", "logs", "meter", "mlops", "mq"})


@dataclass(frozen=True)
class Sight:
    """What somebody is told.

    Attributes:
        owned: the collaborations that are theirs; None for all.
        participant: which participant they are; None for who is none.
    """

    owned: frozenset[str] | None
    participant: str | None = None

    @property
    def readable(self) -> Readable | None:
        """What they may read of what lies with participants; None for all of it."""
        return None if self.owned is None else Readable(self.owned, self.participant)

    def within(self, ids: Ids) -> Disclosure:
        """What they are told of what lies in a collaboration, or in none."""
        return Disclosure(self.owned is None or ids.get("collab_id") in self.owned, self.participant)

    def record(self, record: Record) -> Record:
        """A record that they may read."""
        return record if self.owned is None else self.within(record["key"]).record(record)

    def view(self, view: View) -> View:
        """A record that they may read, with what is around it."""
        if self.owned is None:
            return view
        key = view.record["key"]
        relations = view.relations and {name: self._beneath(found) for name, found in view.relations.items()}
        parents = {kind: self.within(key).record(record, kind) for kind, record in view.parents.items()}
        return replace(view, record=self.record(view.record), relations=relations, parents=parents)

    def _beneath(self, found: Iterable[Record]) -> Iterator[Record]:
        told = (self.within(record["key"]).beneath(Kind(record["kind"]), record) for record in found)
        return (record for record in told if record is not None)


@dataclass(frozen=True)
class Disclosure:
    """How much somebody is told of what lies in one collaboration.

    Attributes:
        has_all: whether the collaboration is theirs.
        participant: which participant they are; None for who is none.
    """

    has_all: bool
    participant: str | None = None

    def record(self, record: Record, kind: Kind | None = None) -> Record:
        """A record that they may read.

        Args:
            kind: of a record that does not say so itself.
        """
        kind = kind or Kind(record["kind"])
        tell = _TOLD.get(kind)
        return record if self.has_all or tell is None else tell(self, record)

    def beneath(self, kind: Kind, record: Record) -> Record | None:
        """A record that hangs under another one; None where they may not read it."""
        is_anothers = "participant_id" in RECORD_TYPES[kind].key_fields and not self._is_me(
            record["key"]["participant_id"]
        )
        return None if is_anothers and not self.has_all else self.record(record)

    def job(self, job: Job) -> Job:
        """A job."""
        if self.has_all or self._is_me(job.keys.get("participant_id")):
            return job
        options: Any = {name: value for name, value in job.parameters.items() if name in _OF_OPTIONS}
        parameters: JobOptions = options
        return replace(job, parameters=parameters, progress=self.progress(job.progress), error=self._error(job.error))

    def progress(self, progress: Mapping[str, object]) -> dict[str, object]:
        """How far a job is."""
        if self.has_all:
            return dict(progress)
        told = {name: value for name, value in progress.items() if name in _OF_PROGRESS}
        told |= {name: self._mine(progress[name]) for name in _BY_PARTICIPANT if name in progress}
        if isinstance(losses := progress.get("losses"), Mapping):
            means = {name: losses.get(name) for name in ("train", "evaluate")}
            told["losses"] = {**means, "participants": self._mine(losses.get("participants"))}
        if isinstance(waiting := progress.get("waiting_for"), list):
            told["waiting_for"] = [self._waiting(each) for each in waiting if isinstance(each, Mapping)]
        elif isinstance(waiting, str):
            # The job that must end first.
            told["waiting_for"] = waiting
        return told

    def event(self, event: JobEvent, job: Ids) -> JobEvent | None:
        """Something that happened to a job; None where it is about another participant alone.

        Args:
            job: the keys of the job.
        """
        if self.has_all or self._is_me(job.get("participant_id")) or self._is_me(event.participant):
            return event
        if (names := _OF_EVENTS.get(event.kind)) is None:
            return None
        about = _only(event.about, names)
        if "error" in event.about and event.kind is JobEventKind.ENDED:
            about["error"] = {"message": WITHHELD}
        return replace(event, participant=None, about=about)

    def round(self, lost: RoundLoss, job: Ids) -> RoundLoss:
        """What a round of a job has lost.

        Args:
            job: the keys of the job.
        """
        if self.has_all or self._is_me(job.get("participant_id")):
            return lost
        return replace(lost, participants={who: each for who, each in lost.participants.items() if self._is_me(who)})

    def study(self, study: Study) -> Study:
        """A study."""
        return study if self.has_all or study.error is None else replace(study, error=self._error(study.error))

    def trial(self, trial: Trial) -> Trial:
        """A trial of a study."""
        return trial if self.has_all or trial.reason is None else replace(trial, reason=WITHHELD)

    def file(self, name: str, *, is_member: bool) -> bool:
        """Whether they may read a file of a trained run.

        Args:
            is_member: whether they are a participant of its project.
        """
        if self.has_all:
            return True
        if self.participant is None:
            return False
        stem = name.rpartition(".")[0]
        is_own = stem in {f"local_model_{self.participant}", f"local_loss_history_{self.participant}"}
        return is_own or (is_member and stem in {"global_model", "global_loss_history"})

    def _model(self, record: Record) -> Record:
        told = {name: value for name, value in record.items() if name in OWN_FIELDS | _OF_MODELS | {DAMAGED}}
        for name, value in record.items():
            if name == "global" or (name.startswith("local_") and self._is_me(_whose(value))):
                told[name] = _only(value, _OF_EXPORTS)
        if isinstance(figures := record.get("figures"), Mapping):
            mine = {"validation": self._mine(figures.get("validation"))}
            told["figures"] = _only(figures, _OF_FIGURES) | mine | self._pooled(figures.get("pooled"))
        if isinstance(participants := record.get("participants"), Iterable):
            told["participants"] = [
                each for each in participants if isinstance(each, Mapping) and self._is_me(each.get("id"))
            ]
        for name in ("limited", "datasets"):
            if name in record:
                told[name] = self._mine(record[name])
        return told

    def _alignment(self, record: Record) -> Record:
        """What an alignment found of their data: not what it found of names that others have, too."""
        if not isinstance(share := record.get("agreement"), Mapping):
            return record
        return {**record, "agreement": {name: value for name, value in share.items() if name != "notes"}}

    def _validation(self, record: Record) -> Record:
        return {name: value for name, value in record.items() if name != "pooled"} | self._pooled(record.get("pooled"))

    def _pooled(self, pooled: object) -> dict[str, object]:
        """Figures over several participants, who are counted and not named; of a single other one they are that one's."""
        if not isinstance(pooled, Mapping) or not isinstance(participants := pooled.get("participants"), list):
            return {}
        if len(participants) < 2 and not any(map(self._is_me, participants)):
            return {}
        named = [each if self._is_me(each) else ANOTHER for each in participants]
        return {"pooled": {**_only(pooled, _OF_POOLED), "participants": named, "reasons": {}}}

    def _collaboration(self, record: Record) -> Record:
        return {name: value for name, value in record.items() if name not in _ADDRESSES}

    def _error(self, error: JobError | None) -> JobError | None:
        if error is None or self._is_me(error.participant):
            return error
        return JobError(error.kind, WITHHELD)

    def _waiting(self, wait: Mapping[str, object]) -> dict[str, object]:
        """A wait for a worker: whose, and why, is told to whom it concerns."""
        whole = self._is_me(wait.get("participant"))
        return dict(wait) if whole else _only(wait, frozenset({"since", "until", "for", "approval"}))

    def _mine(self, found: object) -> dict[str, object]:
        """Of what there is by participant, what is theirs."""
        if not isinstance(found, Mapping) or self.participant not in found:
            return {}
        return {str(self.participant): found[self.participant]}

    def _is_me(self, participant: object) -> bool:
        return self.participant is not None and participant == self.participant


_TOLD: Mapping[Kind, Callable[[Disclosure, Record], Record]] = {
    Kind.COLLABORATION: Disclosure._collaboration,
    Kind.ALIGNMENT: Disclosure._alignment,
    Kind.VALIDATION: Disclosure._validation,
    Kind.MODEL: Disclosure._model,
    Kind.MODEL_VERSION: Disclosure._model,
}


def _only(value: object, names: frozenset[str]) -> dict[str, object]:
    return {name: each for name, each in value.items() if name in names} if isinstance(value, Mapping) else {}


def _whose(export: object) -> object:
    return export.get("origin") if isinstance(export, Mapping) else None
