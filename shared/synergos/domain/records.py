"""Which kinds of record there are, how each is keyed, and what hangs under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Key = Mapping[str, str]
"""A composite id: field name to id, all fields of the record's kind present."""


class Kind(StrEnum):
    """A kind of record; the value is what the REST interface shows as ``kind``."""

    COLLABORATION = "Collaboration"
    PROJECT = "Project"
    EXPERIMENT = "Experiment"
    RUN = "Run"
    PARTICIPANT = "Participant"
    REGISTRATION = "Registration"
    TAG = "Tag"
    ALIGNMENT = "Alignment"
    FEATURE_SPACE = "FeatureSpace"
    MODEL = "Model"
    VALIDATION = "Validation"
    PREDICTION = "Prediction"
    STUDY = "Study"
    TRIAL = "Trial"


@dataclass(frozen=True)
class RecordType:
    """How one kind of record is keyed and related.

    Attributes:
        key_fields: the names that make up its key, in the order of its route.
        relations: the kinds shown under ``relations``; each shares this record's whole key.
        cascade: the kinds that are deleted with it, matched on the whole key.
    """

    key_fields: tuple[str, ...]
    relations: tuple[Kind, ...] = ()
    cascade: tuple[Kind, ...] = ()


_PROJECT = ("collab_id", "project_id")
_EXPERIMENT = (*_PROJECT, "expt_id")
_RUN = (*_EXPERIMENT, "run_id")
_RESULTS = (Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION)
_DATA = (Kind.REGISTRATION, Kind.TAG)
_AGREED = (Kind.ALIGNMENT, Kind.FEATURE_SPACE)
_TUNING = (Kind.STUDY, Kind.TRIAL)

RECORD_TYPES: Mapping[Kind, RecordType] = {
    Kind.COLLABORATION: RecordType(
        ("collab_id",),
        relations=(Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, *_DATA, *_RESULTS),
        cascade=(Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, *_DATA, *_AGREED, *_RESULTS, *_TUNING),
    ),
    Kind.PROJECT: RecordType(
        _PROJECT,
        relations=(Kind.EXPERIMENT, Kind.RUN, *_DATA, *_RESULTS),
        cascade=(Kind.EXPERIMENT, Kind.RUN, *_DATA, *_AGREED, *_RESULTS, *_TUNING),
    ),
    Kind.EXPERIMENT: RecordType(_EXPERIMENT, relations=(Kind.RUN, *_RESULTS), cascade=(Kind.RUN, *_RESULTS, *_TUNING)),
    Kind.RUN: RecordType(_RUN, relations=_RESULTS, cascade=(*_RESULTS, Kind.TRIAL)),
    Kind.PARTICIPANT: RecordType(
        ("participant_id",),
        relations=_DATA,
        cascade=(*_DATA, Kind.ALIGNMENT, Kind.VALIDATION, Kind.PREDICTION),
    ),
    Kind.REGISTRATION: RecordType(
        (*_PROJECT, "participant_id"), relations=(Kind.TAG,), cascade=(Kind.TAG, Kind.ALIGNMENT)
    ),
    Kind.TAG: RecordType((*_PROJECT, "participant_id"), cascade=(Kind.ALIGNMENT,)),
    Kind.ALIGNMENT: RecordType((*_PROJECT, "participant_id")),
    Kind.FEATURE_SPACE: RecordType(_PROJECT),
    # A model that is replaced or deleted takes what was measured on it along.
    Kind.MODEL: RecordType(_RUN, cascade=(Kind.VALIDATION, Kind.PREDICTION)),
    Kind.VALIDATION: RecordType((*_RUN, "participant_id")),
    Kind.PREDICTION: RecordType((*_RUN, "participant_id")),
    Kind.STUDY: RecordType((*_EXPERIMENT, "study_id"), cascade=(Kind.TRIAL,)),
    Kind.TRIAL: RecordType((*_EXPERIMENT, "study_id", "run_id")),
}


def restrict(key: Key, kind: Kind) -> dict[str, str]:
    """The part of ``key`` that is the key of ``kind``."""
    return {field: key[field] for field in RECORD_TYPES[kind].key_fields}
