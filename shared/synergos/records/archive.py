"""Archiving a stage's outputs together with the end of its job, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from synergos.domain.agreement import AGREEMENT, share_of
from synergos.domain.job import Job, JobState
from synergos.domain.keys import RunKey
from synergos.domain.outputs import Aligned, Checked, Outputs, Predicted, Trained, Validated, write_outputs
from synergos.domain.records import RECORD_TYPES, Ids, Kind, restrict
from synergos.domain.tags import Purpose
from synergos.domain.trained_model import OUTDATED
from synergos.errors import Conflict, JobCancelled
from synergos.records import model_versions
from synergos.records.agreements import agreement_version
from synergos.records.store import RecordStore


def archive(store: RecordStore, job: Job, outputs: Outputs) -> Job:
    """Store one stage's outputs and the job's completion in one transaction; the completed job.

    A job that is completed already is returned as it is, so outputs that are delivered twice are stored once.

    Raises:
        JobCancelled: the job was cancelled meanwhile; its outputs are not wanted.
        Conflict: the job was given up meanwhile.
        RecordNotFound: what the outputs belong to was deleted meanwhile.
    """
    with store.transaction():
        stored = store.job(job.id)
        if stored.state is JobState.COMPLETED:
            return stored
        if stored.state is JobState.CANCELLED:
            raise JobCancelled(f"job {job.id} was cancelled before its results arrived")
        if stored.state is JobState.FAILED:
            raise Conflict(f"job {job.id} was recorded as failed before its results arrived")
        # What it was taken up with of its progress is old by now.
        progress: Mapping[str, object] = {}
        match outputs:
            case Checked():
                progress = write_outputs(outputs)
            case Aligned():
                _alignments(store, job.keys, outputs)
            case Trained():
                _model(store, job.keys, outputs)
            case Validated():
                _validations(store, job.keys, outputs)
            case Predicted():
                _predictions(store, job.keys, outputs)
        store.save_job(replace(job.ended(JobState.COMPLETED), progress=progress))
        return store.job(job.id)


def _alignments(store: RecordStore, keys: Ids, outputs: Aligned) -> None:
    project = store.get(Kind.PROJECT, keys)["key"]
    # Someone who left while the others were being aligned has no alignment any more.
    registered = {record["key"]["participant_id"] for record in store.find(Kind.REGISTRATION, project)}
    missing_columns = {
        participant: rows for participant, rows in outputs.missing_columns.items() if participant in registered
    }
    agreement = structs.replace(outputs.agreement, version=agreement_version(store, project) + 1)
    shares = {
        participant: {**rows, "agreement": share_of(agreement, participant)}
        for participant, rows in missing_columns.items()
    }
    _replace(store, Kind.ALIGNMENT, project, shares)
    feature_space = {
        "space": outputs.feature_space.to_dict(),
        "auto_fix": outputs.auto_fix,
        "rows": outputs.rows,
        "columns": outputs.columns,
        "agreement": AGREEMENT.write(agreement),
    }
    store.put(Kind.FEATURE_SPACE, project, feature_space)
    for experiment in store.find(Kind.EXPERIMENT, project):
        fitted = outputs.fitted.get(experiment["key"]["expt_id"])
        if fitted is not None or "fitted_model" in experiment:
            store.merge(Kind.EXPERIMENT, experiment["key"], {"fitted_model": fitted})


def _model(store: RecordStore, keys: Ids, outputs: Trained) -> None:
    run = RunKey.of(store.get(Kind.RUN, keys)["key"])
    trained = write_outputs(outputs)
    model_versions.keep(store, run, outputs, trained)
    store.prune(Kind.MODEL, run)
    # Somebody may have changed the run while it was being trained.
    outdated = model_versions.is_outdated(store, run, outputs.definition, trained["feature_space"])
    store.put(Kind.MODEL, run, trained | ({OUTDATED: True} if outdated else {}))


def _validations(store: RecordStore, keys: Ids, outputs: Validated) -> None:
    model = store.get(Kind.MODEL, keys)
    _replace(store, Kind.VALIDATION, keys, write_outputs(outputs))
    model_versions.note_validation(store, model)


def _predictions(store: RecordStore, keys: Ids, outputs: Predicted) -> None:
    store.get(Kind.MODEL, keys)
    written = write_outputs(outputs)
    _replace(
        store,
        Kind.PREDICTION,
        keys,
        {who: {Purpose.PREDICT: output[Purpose.PREDICT]} for who, output in written.items()},
    )
    for participant, output in written.items():
        owner = {**keys, "participant_id": participant}
        store.get(Kind.REGISTRATION, owner)
        # Who only predicts has neither record yet.
        for kind in (Kind.TAG, Kind.ALIGNMENT):
            if not store.find(kind, key := restrict(owner, kind)):
                store.put(kind, key, {Purpose.TRAIN: []} if kind is Kind.TAG else {})
        store.merge(Kind.TAG, owner, output["tags"])
        store.merge(Kind.ALIGNMENT, owner, output["alignment"])


def _replace(store: RecordStore, kind: Kind, keys: Ids, payloads: Mapping[str, Mapping[Any, Any]]) -> None:
    """Put one record per participant, and delete those in the scope of ``keys`` that got none this time."""
    scope = {field: keys[field] for field in RECORD_TYPES[kind].key_fields if field in keys}
    for stale in store.find(kind, scope):
        if stale["key"]["participant_id"] not in payloads:
            store.delete(kind, stale["key"])
    for participant, payload in payloads.items():
        store.put(kind, restrict({**keys, "participant_id": participant}, kind), payload)
