"""What a message says beside the job's id, for the programs that read what the original's TTPs read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.director_parts import PROJECT, RUN, accepted
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.records import Kind
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos_director.queued_job import queued_job


def said_of(store: RecordStore, job: Job) -> dict[str, Any]:
    """The message as it arrives."""
    message: dict[str, Any] = json.loads(json.dumps(queued_job(store, job, "here")))
    return message


def test_an_alignment_brings_the_experiments_of_its_project(store: RecordStore) -> None:
    store.put(Kind.EXPERIMENT, {**RUN, "expt_id": "e2"}, {"model": []})

    message = said_of(store, accepted(store, Stage.PREPROCESS, auto_align=True))

    assert (message["process"], message["keys"]) == ("preprocess", ["c", "p"])
    assert message["parameters"]["auto_align"] is True
    experiments = message["parameters"]["experiments"]
    assert [experiment["key"]["expt_id"] for experiment in experiments] == ["e", "e2"]
    assert experiments[0]["model"] == [{"l_type": "Linear"}]


def test_a_node_says_where_its_two_ports_are(store: RecordStore) -> None:
    _first, second = said_of(store, accepted(store, Stage.TRAIN))["grids"]
    assert second[0] == {
        "keys": {**PROJECT, "participant_id": "worker_1"},
        "action": "classify",
        "rest": {"host": "worker_1", "port": 5001},
        "syft": {"id": "worker_1", "host": "worker_1", "port": 8021},
    }


def test_there_are_as_many_sub_grids_as_the_participant_with_the_fewest_nodes_has(store: RecordStore) -> None:
    store.merge(Kind.REGISTRATION, {**PROJECT, "participant_id": "worker_2"}, {"n_count": 1})
    assert len(said_of(store, accepted(store, Stage.TRAIN))["grids"]) == 1


def test_without_participants_there_is_no_grid(store: RecordStore) -> None:
    for who in ("worker_1", "worker_2"):
        store.delete(Kind.REGISTRATION, {**PROJECT, "participant_id": who})
    assert said_of(store, accepted(store, Stage.PREPROCESS))["grids"] == []


def test_a_validation_concerns_everybody_or_the_one_it_is_for(store: RecordStore) -> None:
    everybody = said_of(store, accepted(store, Stage.VALIDATE))["parameters"]
    one = said_of(store, Job(Stage.VALIDATE, job_key({**RUN, "participant_id": "worker_2"})))["parameters"]

    assert (everybody["participants"], everybody["metas"]) == (["worker_1", "worker_2"], ["evaluate"])
    assert (one["participants"], one["metas"]) == (["worker_2"], ["evaluate"])


def test_what_was_deleted_meanwhile_cannot_be_described(store: RecordStore) -> None:
    job = accepted(store, Stage.TRAIN)
    store.delete(Kind.RUN, RUN)
    with pytest.raises(RecordNotFound, match="Run"):
        queued_job(store, job, "here")
