"""Which kinds of record there are, how each is keyed, and what hangs under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from synergos.domain.damage import DAMAGED
from synergos.domain.keys import (
    CollaborationKey,
    ExperimentKey,
    Key,
    ParticipantKey,
    ProjectKey,
    RegistrationKey,
    ResultKey,
    RunKey,
    StudyKey,
    TrialKey,
    VersionKey,
)

OWN_FIELDS = frozenset({"doc_id", "kind", "key", "created_at"})
"""What a stored record says of itself; everything else is its payload."""
NOT_DECLARED = OWN_FIELDS | {"relations", "link", DAMAGED}
"""What an answer about a record says beside what was declared."""
Record = dict[str, Any]
"""One as it is read: ``doc_id`` (int), ``kind``, ``key`` (dict), ``created_at`` (aware, UTC), and what was declared beside them.

What that is depends on the kind, and no type says it before somebody has looked.
"""
Ids = Mapping[str, str]
"""Ids by name: a whole key or a part of one, that of what is meant or of something inside it."""


class Kind(StrEnum):
    """A kind of record; the value is what the REST interface shows as ``kind``."""

    COLLABORATION = "Collaboration"
    PROJECT = "Project"
    EXPERIMENT = "Experiment"
    RUN = "Run"
    PARTICIPANT = "Participant"
    INVITATION = "Invitation"
    REGISTRATION = "Registration"
    TAG = "Tag"
    ALIGNMENT = "Alignment"
    FEATURE_SPACE = "FeatureSpace"
    MODEL = "Model"
    MODEL_VERSION = "ModelVersion"
    VALIDATION = "Validation"
    PREDICTION = "Prediction"
    STUDY = "Study"
    TRIAL = "Trial"


@dataclass(frozen=True)
class RecordType:
    """How one kind of record is keyed and related.

    Attributes:
        key: the type of its key.
        relations: the kinds shown under ``relations``; each shares this record's whole key.
        cascade: the kinds that are deleted with it, matched on the whole key.
    """

    key: type[Key]
    relations: tuple[Kind, ...] = ()
    cascade: tuple[Kind, ...] = ()

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The names of the ids that make up its key, in the order of its route."""
        return self.key.fields()


_RESULTS = (Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION)
_LEFT = (*_RESULTS, Kind.MODEL_VERSION)
_DATA = (Kind.REGISTRATION, Kind.TAG)
_TAKING_PART = (Kind.INVITATION, *_DATA)
_AGREED = (Kind.ALIGNMENT, Kind.FEATURE_SPACE)
_TUNING = (Kind.STUDY, Kind.TRIAL)

RECORD_TYPES: Mapping[Kind, RecordType] = {
    Kind.COLLABORATION: RecordType(
        CollaborationKey,
        relations=(Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, *_DATA, *_RESULTS),
        cascade=(Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, *_TAKING_PART, *_AGREED, *_LEFT, *_TUNING),
    ),
    Kind.PROJECT: RecordType(
        ProjectKey,
        relations=(Kind.EXPERIMENT, Kind.RUN, *_DATA, *_RESULTS),
        cascade=(Kind.EXPERIMENT, Kind.RUN, *_TAKING_PART, *_AGREED, *_LEFT, *_TUNING),
    ),
    Kind.EXPERIMENT: RecordType(ExperimentKey, relations=(Kind.RUN, *_RESULTS), cascade=(Kind.RUN, *_LEFT, *_TUNING)),
    Kind.RUN: RecordType(RunKey, relations=_LEFT, cascade=(*_LEFT, Kind.TRIAL)),
    Kind.PARTICIPANT: RecordType(
        ParticipantKey,
        relations=_DATA,
        cascade=(*_TAKING_PART, Kind.ALIGNMENT, Kind.VALIDATION, Kind.PREDICTION),
    ),
    # Whom the collaboration belongs to lets a participant register; see docs/accounts.md.
    Kind.INVITATION: RecordType(RegistrationKey),
    Kind.REGISTRATION: RecordType(RegistrationKey, relations=(Kind.TAG,), cascade=(Kind.TAG, Kind.ALIGNMENT)),
    Kind.TAG: RecordType(RegistrationKey, cascade=(Kind.ALIGNMENT,)),
    Kind.ALIGNMENT: RecordType(RegistrationKey),
    Kind.FEATURE_SPACE: RecordType(ProjectKey),
    # A model that is replaced or deleted takes what was measured on it along.
    Kind.MODEL: RecordType(RunKey, cascade=(Kind.VALIDATION, Kind.PREDICTION)),
    # What every training has left; it stays when the model is replaced.
    Kind.MODEL_VERSION: RecordType(VersionKey),
    Kind.VALIDATION: RecordType(ResultKey),
    Kind.PREDICTION: RecordType(ResultKey),
    Kind.STUDY: RecordType(StudyKey, cascade=(Kind.TRIAL,)),
    Kind.TRIAL: RecordType(TrialKey),
}


def payload_of(record: Mapping[str, object]) -> dict[str, object]:
    """What was stored under a record's key."""
    return {name: value for name, value in record.items() if name not in OWN_FIELDS and name != DAMAGED}


def restrict(ids: Ids, kind: Kind) -> Key:
    """The part of ``ids`` that is the key of ``kind``."""
    return RECORD_TYPES[kind].key.of(ids)
