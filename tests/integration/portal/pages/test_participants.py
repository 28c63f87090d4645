"""Pages of participants: registered with two nodes, tagged by tree or typed, and what is predicted is asked for as it was chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.portal import Portal, answering, portal
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

PROJECT = ProjectKey("heart", "risk")
MEMBER = PROJECT.at("hospital_1")
RUN = RunKey("heart", "risk", "e", "r1")
PLACE = "/participants/hospital_1/registrations/heart/risk"
NODES = {
    "role": "guest",
    "count": "1",
    "node_0_host": "127.0.0.1",
    "node_0_f_port": "5001",
    "node_0_port": "5002",
}
SECOND = {"node_1_host": "127.0.0.2", "node_1_f_port": "5001", "node_1_port": "5002"}


@pytest.fixture
def declared(grid: Portal, store: RecordStore) -> Portal:
    store.put(Kind.COLLABORATION, PROJECT, {})
    store.put(Kind.PROJECT, PROJECT, {"action": "classify"})
    store.put(Kind.PARTICIPANT, MEMBER, {"id": "hospital_1", "summary": "a hospital"})
    return grid


@pytest.fixture
def registered(declared: Portal, store: RecordStore) -> Portal:
    node = {"host": "127.0.0.1", "f_port": 5001, "port": 5002}
    store.put(Kind.REGISTRATION, MEMBER, {"role": "guest", "n_count": 1, "node_0": node})
    return declared


def said(store: RecordStore, kind: Kind) -> Mapping[str, Any]:
    return store.get(kind, MEMBER)


def test_a_participant_is_declared_changed_and_deleted(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()

    made = visitor.send("/participants/new", {"id": "hospital_1", "category": "hospital, research"})
    assert made.headers["Location"] == "/participants/hospital_1"
    assert store.get(Kind.PARTICIPANT, MEMBER)["category"] == ["hospital", "research"]
    visitor.send(
        "/participants/hospital_1/edit", {"id": "hospital_1", "revision": revision(visitor, "edit"), "summary": "ours"}
    )
    assert "ours" in visitor.get("/participants/hospital_1").text
    refused = visitor.send("/participants/hospital_1/delete", {"name": "hospital_2"})
    assert (refused.status_code, len(store.find(Kind.PARTICIPANT))) == (422, 1)
    visitor.send("/participants/hospital_1/delete", {"name": "hospital_1"})
    assert store.find(Kind.PARTICIPANT) == []


def revision(visitor: Any, page: str, at: str = "/participants/hospital_1") -> str:
    text: str = visitor.get(f"{at}/{page}").text.partition('name="revision" type="hidden" value="')[2]
    return text.partition('"')[0]


def test_a_taken_name_replaces_nothing(declared: Portal, store: RecordStore) -> None:
    answer = declared.visitor().send("/participants/new", {"id": "hospital_1", "summary": "another"})

    assert answer.status_code == 422
    assert store.get(Kind.PARTICIPANT, MEMBER)["summary"] == "a hospital"


def test_two_nodes_are_registered_on_one_form_that_grows_without_a_script(declared: Portal, store: RecordStore) -> None:
    visitor = declared.visitor()

    grown = visitor.send(f"{PLACE}/nodes", {**NODES, "act": "add"})
    assert (grown.status_code, 'value="127.0.0.1"' in grown.text, 'name="node_1_host"' in grown.text) == (
        200,
        True,
        True,
    )
    done = visitor.send(f"{PLACE}/nodes", {**NODES, **SECOND, "count": "2"})

    assert done.headers["Location"] == f"{PLACE}/tags"
    stored = said(store, Kind.REGISTRATION)
    assert (stored["n_count"], stored["node_1"]["host"], stored["node_0"]["f_port"]) == (2, "127.0.0.2", 5001)


def test_a_node_that_is_taken_away_is_registered_no_more(registered: Portal, store: RecordStore) -> None:
    visitor = registered.visitor()
    visitor.send(f"{PLACE}/nodes", {**NODES, **SECOND, "count": "2", "revision": revision(visitor, "nodes", PLACE)})

    visitor.send(f"{PLACE}/nodes", {**NODES, "revision": revision(visitor, "nodes", PLACE)})

    assert "node_1" not in said(store, Kind.REGISTRATION)


@pytest.mark.parametrize(
    ("field", "value"),
    [("node_0_host", "http://x"), ("node_0_f_port", "none"), ("node_0_port", "0"), ("node_0_fingerprint", "x")],
)
def test_what_is_wrong_with_a_node_stands_at_its_field_with_the_value_kept(
    declared: Portal, field: str, value: str
) -> None:
    answer = declared.visitor().send(f"{PLACE}/nodes", {**NODES, field: value})

    assert answer.status_code == 422
    assert f'id="{field}-errors"' in answer.text
    assert f'value="{value}"' in answer.text


def test_the_second_of_two_who_register_is_told(registered: Portal, store: RecordStore) -> None:
    visitor = registered.visitor()
    seen = revision(visitor, "nodes", PLACE)
    store.merge(Kind.REGISTRATION, MEMBER, {"role": "host"})

    answer = visitor.send(f"{PLACE}/nodes", {**NODES, "revision": seen})

    assert answer.status_code == 422
    assert said(store, Kind.REGISTRATION)["role"] == "host"


def test_data_is_typed_a_folder_a_line_and_has_an_anchor_each(registered: Portal, store: RecordStore) -> None:
    visitor = registered.visitor()

    visitor.send(f"{PLACE}/tags", {"train": "heart/2025\n heart/2026/ \n", "evaluate": "heart/test"})

    assert said(store, Kind.TAG)["train"] == [["heart", "2025"], ["heart", "2026"]]
    page = visitor.get(PLACE).text
    assert 'id="train-1"' in page
    assert 'id="evaluate-0"' in page


@pytest.mark.parametrize(
    ("text", "words"), [("../secret", "would leave the data folder"), ("a\na/b/../c", "would leave")]
)
def test_a_folder_that_cannot_be_one_is_refused_where_it_was_typed(
    registered: Portal, store: RecordStore, text: str, words: str
) -> None:
    answer = registered.visitor().send(f"{PLACE}/tags", {"train": text})

    assert answer.status_code == 422
    assert 'id="train-errors"' in answer.text
    assert words in answer.text
    assert store.find(Kind.TAG) == []


@pytest.mark.parametrize("field", ["tags.train[1]", None], ids=["named as a field", "named in the sentence"])
@pytest.mark.parametrize("kind", ["UnusableData", "WorkerRefused"])
def test_a_failed_alignment_leads_to_the_folder_that_is_not_there(
    registered: Portal, store: RecordStore, kind: str, field: str | None
) -> None:
    store.put(Kind.TAG, MEMBER, {"train": [["a"], ["gone"]]})
    error = JobError(kind, "hospital_1: tags.train[1]: there is no folder gone", "hospital_1", field)
    job = Job(Stage.PREPROCESS, PROJECT, state=JobState.FAILED, error=error)
    store.add_jobs([job])

    assert f'href="{PLACE}#train-1"' in registered.visitor().get(f"/jobs/{job.id}").text
    assert 'id="train-1"' in registered.visitor().get(PLACE).text


def test_what_an_alignment_would_lose_is_said_before_and_after(registered: Portal, store: RecordStore) -> None:
    store.put(Kind.TAG, MEMBER, {"train": [["a"]]})
    store.put(Kind.ALIGNMENT, MEMBER, {})
    visitor = registered.visitor()

    assert "has to be aligned again" in visitor.get(f"{PLACE}/tags").text
    visitor.send(f"{PLACE}/tags", {"train": "b", "revision": revision(visitor, "tags", PLACE)})
    assert "The project has to be aligned again" in visitor.get(PLACE).text
    assert store.find(Kind.ALIGNMENT) == []


def test_what_touches_its_data_is_shown_without_its_name_in_a_key(registered: Portal, store: RecordStore) -> None:
    job = Job(Stage.TRAIN, RUN)
    store.add_jobs([job])

    assert f"/jobs/{job.id}" in registered.visitor().get("/participants/hospital_1").text


def test_predictions_are_asked_for_as_they_were_chosen_and_shown_with_their_place(
    registered: Portal, store: RecordStore
) -> None:
    store.put(Kind.EXPERIMENT, RUN, {"model": []})
    store.put(Kind.RUN, RUN, {"rounds": 1})
    store.put(Kind.MODEL, RUN, {"version": 1})
    visitor = registered.visitor()

    done = visitor.send("/participants/hospital_1/predict", {"model": "heart/risk/e/r1", "predict": "new/2026"})

    assert done.headers["Location"] == "/participants/hospital_1/predict#predictions"
    [job] = store.jobs(stage="predict")
    assert (job.keys, job.parameters["tags"]) == (RUN.measured_at("hospital_1"), [["new", "2026"]])
    store.save_job(job.ended(JobState.COMPLETED))
    result = {
        "predict": {
            "res_path": "/outputs/of/hospital_1/predict/inference_statistics_predict.json",
            "statistics": {"accuracy": [0.5, 1.0], "TPs": [3, 4], "FNs": [3, 0]},
        }
    }
    store.put(Kind.PREDICTION, RUN.measured_at("hospital_1"), result)
    # Predictions lie beside the statistics.
    assert "<code>/outputs/of/hospital_1/predict</code>" in visitor.get("/participants/hospital_1/predict").text
    assert "accuracy 0.75" in visitor.get("/participants/hospital_1/predict").text
    assert "TPs" not in visitor.get("/participants/hospital_1/predict").text


def test_of_many_collaborations_those_to_register_for_are_found_by_a_part_of_their_name(
    declared: Portal, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ProjectKey("lung", "stay")
    store.put(Kind.COLLABORATION, other, {})
    store.put(Kind.PROJECT, other, {"action": "classify"})
    visitor, join = declared.visitor(), "/participants/hospital_1/register"
    assert [name in visitor.get(join).text for name in ("heart / risk", "lung / stay", "containing")] == [1, 1, 0]

    monkeypatch.setattr("synergos_portal.pages.participants.taking_part.MOST_COLLABORATIONS", 1)
    assert [name in visitor.get(join).text for name in ("heart / risk", "lung / stay", "first 1 of 2")] == [1, 0, 1]
    found = f"{join}?containing=Lu"
    assert [name in visitor.get(found).text for name in ("heart / risk", "lung / stay")] == [0, 1]
    assert visitor.send(found, {"project": "lung/stay"}).status_code == 303


def test_of_many_models_those_to_predict_with_are_found_by_a_part_of_their_name(
    registered: Portal, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(Kind.EXPERIMENT, RUN, {"model": []})
    for number in (1, 2):
        run = RunKey("heart", "risk", "e", f"r{number}")
        store.put(Kind.RUN, run, {"rounds": 1})
        store.put(Kind.MODEL, run, {"version": 1})
    monkeypatch.setattr("synergos_portal.web.forms.MOST_CHOICES", 1)
    visitor, predict = registered.visitor(), "/participants/hospital_1/predict"

    for address, offered in ((predict, [False, True]), (f"{predict}?containing=r1", [True, False])):
        page = visitor.get(address).text
        assert [f'value="heart/risk/e/r{number}"' in page for number in (1, 2)] == offered
    # Whoever comes from the page of a run has it chosen, be it one that is not offered.
    assert 'selected value="heart/risk/e/r1"' in visitor.get(f"{predict}?model=heart/risk/e/r1").text


def test_before_anything_is_trained_there_is_no_model_to_choose(registered: Portal) -> None:
    answer = registered.visitor().get("/participants/hospital_1/predict")

    assert answer.status_code == 200
    assert "None of its projects has a trained model yet." in answer.text


def test_nothing_to_predict_is_said_at_the_field(registered: Portal, store: RecordStore) -> None:
    store.put(Kind.EXPERIMENT, RUN, {"model": []})
    store.put(Kind.RUN, RUN, {"rounds": 1})
    store.put(Kind.MODEL, RUN, {"version": 1})

    answer = registered.visitor().send("/participants/hospital_1/predict", {"model": "heart/risk/e/r1"})

    assert (answer.status_code, 'id="predict-errors"' in answer.text) == (422, True)


def test_folders_are_ticked_in_the_tree_of_what_is_published(tmp_path: Path) -> None:
    key = MEMBER.to_dict()
    folders = [
        {"path": ["heart", "2025"], "datatype": "tabular", "purposes": ["train"]},
        {"path": ["heart", "2026"], "datatype": "tabular", "rows": {"about": 400}},
    ]
    place = "/ttp/connect/collaborations/heart/projects/risk/participants/hospital_1/registration"
    tags = {"key": key, "train": [["heart", "2026"], ["typed"]]}
    told = portal(
        tmp_path,
        answering(
            (f"GET {place}", 200, {"data": {"key": key, "role": "guest", "relations": {"Tag": [tags]}}}),
            (f"GET {place}/tags", 200, {"data": tags, "revision": "x"}),
            ("GET /ttp/participants/hospital_1/overview", 200, {"data": {"registrations": []}}),
            ("GET /ttp/catalogue", 200, {"data": [{"key": key, "extent": "names", "folders": folders}]}),
            (f"POST {place}/tags", 417, {"message": "train[0]: no", "field": "train[0]"}),
        ),
    )

    page = told.visitor().get(f"{PLACE}/tags").text

    assert 'name="folder_train" value="heart/2026" aria-label="To train on: heart/2026" checked' in page
    # Its owner allows that for nothing but training.
    assert 'name="folder_predict" value="heart/2025"' not in page
    assert "typed</textarea>" in page
    sent = told.visitor().send(f"{PLACE}/tags", {"folder_train": "heart/2025", "revision": "x"})
    assert 'value="heart/2025" aria-label="To train on: heart/2025" checked' in sent.text


def test_ten_registrations_and_results_are_with_the_participant_and_the_others_on_pages_of_their_own(
    declared: Portal, store: RecordStore
) -> None:
    node = {"host": "127.0.0.1", "f_port": 5001, "port": 5002}
    for number in range(12):
        place = ProjectKey("heart", f"p{number:02}").at("hospital_1")
        store.put(Kind.REGISTRATION, place, {"n_count": 1, "node_0": node})
        store.put(Kind.TAG, place, {"train": [["a"], ["b"]], "evaluate": [["c"]]})
        measured = {"evaluate": {"statistics": {"R2": number / 10}}}
        store.put(Kind.VALIDATION, RunKey("heart", "risk", "e", f"r{number:02}").measured_at("hospital_1"), measured)
    visitor = declared.visitor()

    page, registrations, results = (
        visitor.get(f"/participants/hospital_1{more}").text for more in ("", "/registrations", "/results")
    )

    assert re.findall(r">heart / (p\d\d)</a>", page) == [f"p{number:02}" for number in range(10)]
    assert 'href="/participants/hospital_1/registrations">All 12 registrations</a>' in page
    assert re.findall(r"/ e / (r\d\d)", page) == [f"r{number:02}" for number in range(11, 1, -1)]
    assert 'href="/participants/hospital_1/results">More results</a>' in page
    assert "GET /ttp/participants/hospital_1/overview?limit=20&results=11" in declared.asked
    assert re.findall(r">heart / (p\d\d)</a>", registrations) == [f"p{number:02}" for number in range(11, -1, -1)]
    assert re.findall(r"/ e / (r\d\d)", results) == [f"r{number:02}" for number in range(11, -1, -1)]
    csv = visitor.get("/participants/hospital_1/registrations?format=csv&order=oldest").text.splitlines()
    assert csv[:2] == ["collab_id,project_id,nodes,train,evaluate,predict", "heart,p00,127.0.0.1:5001,2,1,0"]


def test_of_exactly_ten_results_there_are_no_more(declared: Portal, store: RecordStore) -> None:
    for number in range(10):
        place = RunKey("heart", "risk", "e", f"r{number:02}").measured_at("hospital_1")
        store.put(Kind.VALIDATION, place, {"evaluate": {"statistics": {"R2": 0.5}}})

    page = declared.visitor().get("/participants/hospital_1").text
    assert (len(re.findall(r"/ e / r\d\d", page)), "More results" in page) == (10, False)


def test_those_of_a_project_are_a_file_that_says_how_each_takes_part(registered: Portal, store: RecordStore) -> None:
    store.put(Kind.PARTICIPANT, PROJECT.at("hospital_2"), {"id": "hospital_2"})
    store.put(Kind.TAG, MEMBER, {"train": [["a"], ["b"]], "evaluate": [["c"]]})

    asked = "/participants?collab_id=heart&project_id=risk&order=oldest&format="
    rows = registered.visitor().get(f"{asked}csv").text.splitlines()
    assert rows == [
        "participant_id,category,summary,registrations,role,nodes,train,evaluate,predict",
        "hospital_1,,a hospital,1,guest,127.0.0.1:5001,2,1,0",
        "hospital_2,,,0,,,,,",
    ]


def test_what_is_on_the_page_as_a_whole_leads_to_no_other(registered: Portal) -> None:
    page = registered.visitor().get("/participants/hospital_1").text

    assert [text in page for text in ("heart / risk", "registrations</a>", "More results")] == [True, False, False]
