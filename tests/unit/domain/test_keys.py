from __future__ import annotations

from pathlib import Path

import pytest

from synergos.domain.keys import JOB_IDS, JobKey, Key, ProjectKey, ResultKey, RunKey, StudyKey, job_key
from synergos.domain.records import RECORD_TYPES
from synergos.errors import InvalidRequest

RUN = RunKey("c", "p", "e", "r")
IDS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}


@pytest.mark.parametrize("key_type", dict.fromkeys(record_type.key for record_type in RECORD_TYPES.values()))
def test_a_key_goes_out_as_json_and_comes_in_again(key_type: type[Key]) -> None:
    key = key_type.checked({name: f"{name}-1" for name in key_type.fields()})

    assert key_type.of(key.to_dict()) == key
    assert dict(key) == key.to_dict()


def test_a_key_is_equal_to_what_names_the_same_ids_and_to_nothing_else() -> None:
    assert RUN == IDS
    assert {RUN: "model"}[RunKey.of(IDS)] == "model"
    assert ResultKey("c", "p", "e", "r", "w") != RUN
    assert RUN.project != RUN


def test_what_lies_inside_a_project_names_the_project() -> None:
    assert RUN.project == ProjectKey("c", "p")
    assert ProjectKey.of(RUN) == RUN.project
    assert StudyKey("c", "p", "e", "s").trial("r").experiment == RUN.experiment


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (dict(list(IDS.items())[:2]), ProjectKey("c", "p")),
        (IDS, RUN),
        ({**IDS, "participant_id": "w"}, RUN.measured_at("w")),
    ],
)
def test_the_ids_of_a_job_say_what_it_works_on(ids: dict[str, str], expected: JobKey) -> None:
    found = job_key(ids)

    assert (type(found), found) == (type(expected), expected)
    assert set(found) <= set(JOB_IDS)


@pytest.mark.parametrize("value", [None, 1, "", "..", "a/b", "a\0"])
def test_an_id_that_cannot_be_one_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RunKey.checked({**IDS, "expt_id": value})

    assert refused.value.field == "expt_id"


def test_no_key_leads_out_of_its_folder() -> None:
    assert RUN.folder(Path("/outputs")) == Path("/outputs/c/p/e/r")
    with pytest.raises(InvalidRequest):
        RunKey("c", "p", "..", "r").folder(Path("/outputs"))
