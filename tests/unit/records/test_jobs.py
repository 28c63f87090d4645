from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy.exc import IntegrityError

from factories.outputs import aligned, measured, predicted, trained, validated
from support.relations import relations
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import job_key
from synergos.domain.outputs import Aligned, Outputs
from synergos.domain.records import Ids, Kind
from synergos.domain.trained_model import OUTDATED
from synergos.errors import Conflict, JobCancelled, RecordNotFound
from synergos.records import RecordStore, archive

P = {"collab_id": "c", "project_id": "p"}
R = {**P, "expt_id": "e", "run_id": "r"}
OTHER_RUN = {**R, "run_id": "r2"}
V, W = {"participant_id": "v"}, {"participant_id": "w"}
EMPTY: dict[str, list[int]] = {"X": [], "y": []}
NEW = measured(R2=0.5)
WRITTEN = {"statistics": {"R2": 0.5}, "res_path": "x"}


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    with store.transaction():
        store.put(Kind.COLLABORATION, P, {})
        store.put(Kind.PROJECT, P, {"action": "regress"})
        store.put(Kind.EXPERIMENT, R, {"model": ["asked"]})
        store.put(Kind.FEATURE_SPACE, P, {"space": {}, "auto_fix": True})
        for run in (R, OTHER_RUN):
            store.put(Kind.RUN, run, {})
            store.put(Kind.MODEL, run, {"old": True})
        for who in (V, W):
            store.put(Kind.REGISTRATION, {**P, **who}, {})
            store.put(Kind.TAG, {**P, **who}, {"train": [["t"]], "predict": []})
            store.put(Kind.ALIGNMENT, {**P, **who}, {"train": {"X": [9], "y": []}})
            for run in (R, OTHER_RUN):
                store.put(Kind.VALIDATION, {**run, **who}, {"evaluate": {"old": True}})
                store.put(Kind.PREDICTION, {**run, **who}, {"predict": {"old": True}})
    yield store
    store.close()


def visible(store: RecordStore) -> dict[str, int]:
    kinds = (Kind.ALIGNMENT, Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION, Kind.FEATURE_SPACE, Kind.TAG)
    return {kind.value: len(store.find_visible(kind, {})) for kind in kinds}


ALL = {"Alignment": 2, "Model": 2, "Validation": 4, "Prediction": 4, "FeatureSpace": 1, "Tag": 2}


def accept(store: RecordStore, stage: Stage, keys: Ids, **parameters: Any) -> Job:
    job = Job(stage, job_key(keys), cast(JobOptions, parameters))
    store.add_jobs([job])
    return job


def test_a_job_comes_back_as_it_was_stored(store: RecordStore) -> None:
    job = accept(store, Stage.PREDICT, {**R, **W}, tags=[["a"]], verbose=False)
    assert store.job(job.id) == job

    started = job.started()
    store.save_job(started)
    assert store.job(job.id) == started

    failed = started.ended(JobState.FAILED, JobError("WorkerRefused", "no", participant="w", field="age"))
    store.save_job(failed)
    assert store.job(job.id) == failed


def test_progress_survives_what_is_said_about_the_job_otherwise(store: RecordStore) -> None:
    job = accept(store, Stage.TRAIN, R)

    store.update_progress(job.id, {"round": 2, "losses": [0.5, float("nan")]})
    store.save_job(job.ended(JobState.FAILED))

    assert store.job(job.id).progress == {"round": 2, "losses": [0.5, None]}


def test_a_job_that_is_not_there_is_named(store: RecordStore) -> None:
    for act in (
        store.job,
        lambda it: store.update_progress(it, {}),
        lambda it: store.save_job(Job(Stage.TRAIN, job_key(R), id=it)),
    ):
        with pytest.raises(RecordNotFound, match="no Job 'none'"):
            act("none")


def test_jobs_are_found_by_state_stage_and_ids_newest_last(store: RecordStore) -> None:
    first, second = accept(store, Stage.TRAIN, R), accept(store, Stage.VALIDATE, OTHER_RUN)
    store.save_job(first.started())

    assert [job.id for job in store.jobs()] == [first.id, second.id]
    assert [job.id for job in store.jobs(state="running")] == [first.id]
    assert [job.id for job in store.jobs(stage="validate", run_id="r2")] == [second.id]
    assert store.jobs(state="failed") == []


def test_several_jobs_are_accepted_together_or_not_at_all(store: RecordStore) -> None:
    job = Job(Stage.TRAIN, job_key(R))

    with pytest.raises(IntegrityError):
        store.add_jobs([Job(Stage.TRAIN, job_key(OTHER_RUN)), job, job])

    assert store.jobs() == []
    assert visible(store) == ALL


@pytest.mark.parametrize(
    ("stage", "keys", "left"),
    [
        (Stage.PREPROCESS, P, {"Alignment": 0}),
        (Stage.TRAIN, R, {"Model": 1, "Validation": 2, "Prediction": 2}),
        (Stage.VALIDATE, R, {"Validation": 2}),
        (Stage.VALIDATE, {**R, **W}, {"Validation": 3}),
        (Stage.PREDICT, {**R, **W}, {"Prediction": 3}),
        (Stage.PREPROCESS, {**P, "project_id": "q"}, {}),
        (Stage.TRAIN, {**R, "collab_id": "d"}, {}),
    ],
)
@pytest.mark.parametrize("end", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_hides_just_what_it_will_replace_until_it_is_over(
    store: RecordStore, stage: Stage, keys: Ids, left: dict[str, int], end: JobState
) -> None:
    job = accept(store, stage, keys)

    assert visible(store) == {**ALL, **left}
    store.save_job(job.started())
    assert visible(store) == {**ALL, **left}

    store.save_job(job.ended(end))
    assert visible(store) == ALL


def test_what_is_hidden_is_hidden_from_clients_alone(store: RecordStore) -> None:
    accept(store, Stage.TRAIN, R)

    assert store.find_visible(Kind.MODEL, R) == []
    assert store.get(Kind.MODEL, R)["old"]
    assert len(store.find(Kind.MODEL)) == 2
    assert relations(store, Kind.RUN, R)["Model"] == []


def test_what_two_jobs_hide_is_hidden_until_both_are_over(store: RecordStore) -> None:
    first, second = accept(store, Stage.TRAIN, R), accept(store, Stage.TRAIN, R)

    store.save_job(second.ended(JobState.CANCELLED))
    assert visible(store)["Model"] == 1

    store.save_job(first.ended(JobState.FAILED))
    assert visible(store)["Model"] == 2


def test_a_model_that_is_outdated_is_hidden_with_what_was_measured_on_it(store: RecordStore) -> None:
    store.merge(Kind.MODEL, R, {OUTDATED: True})

    assert visible(store) == {**ALL, "Model": 1, "Validation": 2, "Prediction": 2}
    assert relations(store, Kind.RUN, R)["Model"] == []

    store.merge(Kind.MODEL, R, {OUTDATED: False})
    assert visible(store) == ALL


# Archiving


def preprocessed(*participants: str, auto_fix: bool = True) -> Aligned:
    return aligned(*participants, fitted={"e": ["fitted"]} if auto_fix else {}, auto_fix=auto_fix)


def test_an_alignment_is_archived_whole(store: RecordStore) -> None:
    job = accept(store, Stage.PREPROCESS, P).started()
    store.save_job(job)

    done = archive(store, job, preprocessed("w"))

    assert (done.state, done.attempts) == (JobState.COMPLETED, 1)
    assert done.finished_at is not None
    assert store.job(job.id) == done
    (alignment,) = store.find(Kind.ALIGNMENT)
    assert (alignment["key"], alignment["train"]) == ({**P, **W}, EMPTY)
    assert alignment["doc_id"] == 2, "it is the same record as before"
    assert store.get(Kind.FEATURE_SPACE, P)["space"]["X"] == [["age", None]]
    experiment = store.get(Kind.EXPERIMENT, R)
    assert (experiment["model"], experiment["fitted_model"]) == (["asked"], ["fitted"])


def test_an_alignment_that_fits_no_layers_takes_back_those_fitted_before(store: RecordStore) -> None:
    archive(store, accept(store, Stage.PREPROCESS, P), preprocessed("v", "w"))
    archive(store, accept(store, Stage.PREPROCESS, P), preprocessed("v", "w", auto_fix=False))

    assert store.get(Kind.EXPERIMENT, R)["fitted_model"] is None
    assert store.get(Kind.FEATURE_SPACE, P)["auto_fix"] is False


def test_who_left_while_the_others_were_aligned_is_left_out(store: RecordStore) -> None:
    job = accept(store, Stage.PREPROCESS, P)
    store.delete(Kind.REGISTRATION, {**P, **V})

    archive(store, job, preprocessed("v", "w"))

    assert [record["key"]["participant_id"] for record in store.find(Kind.ALIGNMENT)] == ["w"]


def test_a_new_model_takes_what_was_measured_on_the_old_one_away(store: RecordStore) -> None:
    archive(store, accept(store, Stage.TRAIN, R), trained())

    assert "old" not in store.get(Kind.MODEL, R)
    assert visible(store) == {**ALL, "Validation": 2, "Prediction": 2}


def test_a_validation_of_all_replaces_all_of_its_run(store: RecordStore) -> None:
    archive(store, accept(store, Stage.VALIDATE, R), validated(w=NEW))

    found = store.find(Kind.VALIDATION, R)
    assert [(record["key"]["participant_id"], record["evaluate"]) for record in found] == [("w", WRITTEN)]
    assert len(store.find(Kind.VALIDATION, OTHER_RUN)) == 2


def test_a_validation_of_one_replaces_one(store: RecordStore) -> None:
    archive(store, accept(store, Stage.VALIDATE, {**R, **W}), validated(w=NEW))

    assert [record["evaluate"] for record in store.find(Kind.VALIDATION, R)] == [{"old": True}, WRITTEN]


def test_a_prediction_brings_its_tags_and_its_alignment(store: RecordStore) -> None:
    archive(store, accept(store, Stage.PREDICT, {**R, **W}), predicted("w", NEW))

    record = store.get(Kind.PREDICTION, {**R, **W})
    assert record["predict"] == WRITTEN
    assert record.keys() == {"doc_id", "kind", "key", "created_at", "predict"}
    tag, alignment = store.get(Kind.TAG, {**P, **W}), store.get(Kind.ALIGNMENT, {**P, **W})
    assert (tag["train"], tag["predict"]) == ([["t"]], [["n"]])
    assert (alignment["train"], alignment["predict"]) == ({"X": [9], "y": []}, {"X": [1], "y": []})
    assert store.get(Kind.TAG, {**P, **V})["predict"] == []


def test_who_only_predicts_has_tags_and_an_alignment_from_then_on(store: RecordStore) -> None:
    store.delete(Kind.TAG, {**P, **W})
    assert store.find(Kind.ALIGNMENT, {**P, **W}) == []

    archive(store, accept(store, Stage.PREDICT, {**R, **W}), predicted("w", NEW))

    tag, alignment = store.get(Kind.TAG, {**P, **W}), store.get(Kind.ALIGNMENT, {**P, **W})
    assert (tag["train"], tag["predict"]) == ([], [["n"]])
    assert alignment["predict"] == {"X": [1], "y": []}


def test_outputs_that_cannot_be_archived_wholly_are_not_archived_at_all(store: RecordStore) -> None:
    job = accept(store, Stage.PREDICT, {**R, **W})
    store.delete(Kind.REGISTRATION, {**P, **W})

    with pytest.raises(RecordNotFound, match="no Registration"):
        archive(store, job, predicted("w", NEW))

    assert store.job(job.id) == job
    assert store.find(Kind.TAG, {**P, **W}) == []
    assert store.get(Kind.PREDICTION, {**R, **W})["predict"] == {"old": True}


@pytest.mark.parametrize(
    ("stage", "keys", "gone", "outputs"),
    [
        (Stage.PREPROCESS, P, Kind.PROJECT, preprocessed("w")),
        (Stage.TRAIN, R, Kind.RUN, trained()),
        (Stage.VALIDATE, R, Kind.MODEL, validated(w=NEW)),
        (Stage.PREDICT, {**R, **W}, Kind.MODEL, predicted("w", NEW)),
    ],
)
def test_results_of_what_was_deleted_meanwhile_are_not_stored(
    store: RecordStore, stage: Stage, keys: Ids, gone: Kind, outputs: Outputs
) -> None:
    job = accept(store, stage, keys)
    store.delete(gone, keys)

    with pytest.raises(RecordNotFound, match=f"no {gone.value}"):
        archive(store, job, outputs)


def test_outputs_that_arrive_twice_are_stored_once(store: RecordStore) -> None:
    job = accept(store, Stage.TRAIN, R)
    first = archive(store, job, trained("first"))
    archive(store, accept(store, Stage.VALIDATE, R), validated(w=NEW))

    assert archive(store, job, trained("second")) == first
    assert store.get(Kind.MODEL, R)["global"]["path"] == "first"
    assert len(store.find(Kind.VALIDATION, R)) == 1


@pytest.mark.parametrize(("end", "error"), [(JobState.CANCELLED, JobCancelled), (JobState.FAILED, Conflict)])
def test_outputs_of_a_job_that_is_over_are_refused(store: RecordStore, end: JobState, error: type[Exception]) -> None:
    job = accept(store, Stage.TRAIN, R)
    store.save_job(job.ended(end))

    with pytest.raises(error):
        archive(store, job, trained())

    assert store.get(Kind.MODEL, R)["old"]
    assert store.job(job.id).state is end


def test_what_was_reported_of_a_job_that_was_taken_up_again_outlasts_its_archiving(store: RecordStore) -> None:
    job = accept(store, Stage.PREPROCESS, P)
    store.update_progress(job.id, {"round": 1})
    taken_up = store.job(job.id).started()
    store.update_progress(job.id, {"round": 2})

    archive(store, taken_up, preprocessed("w"))

    assert store.job(job.id).progress == {"round": 2}


def test_the_sub_grids_that_have_begun_something_are_known(store: RecordStore) -> None:
    accept(store, Stage.TRAIN, R)
    assert store.grids_of(R) == set()

    for run, grid in ((R, 1), (R, 1), (OTHER_RUN, None)):
        store.save_job(replace(accept(store, Stage.TRAIN, run).started(), grid=grid))

    assert (store.grids_of(R), store.grids_of(OTHER_RUN), store.grids_of(P)) == ({1}, {None}, {1, None})
