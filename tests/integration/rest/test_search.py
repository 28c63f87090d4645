"""What is found by letters of its id: the best of each kind, in one answer; what each role finds is in test_what_each_role_sees."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fakes.orchestration import PROJECT, RUN, C, Client, E, P, R
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore


def find(client: Client, text: str, **more: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = whole(client, text, **more)["data"]
    return found


def whole(client: Client, text: str, **more: object) -> dict[str, Any]:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    status, answer = client.ask("GET", f"/ttp/search?q={quote(text)}{query}")
    assert status == 200, answer
    return answer


def runs(store: RecordStore, *names: str) -> None:
    for name in names:
        store.put(Kind.RUN, ExperimentKey.of(RUN).run_called(name), {})


def test_something_of_each_kind_is_found_with_all_that_it_lies_in(declared: Client, store: RecordStore) -> None:
    job = Job(Stage.TRAIN, RunKey.of(RUN), id="0abalone")
    store.add_jobs([job])

    assert find(declared, "ABALONE") == [
        {"kind": "Collaboration", "key": {"collab_id": C}},
        {"kind": "Project", "key": PROJECT},
        {"kind": "Experiment", "key": {**PROJECT, "expt_id": E}},
        {"kind": "Run", "key": {**PROJECT, "expt_id": E, "run_id": R}},
        {"kind": "Job", "id": "0abalone", "keys": RUN},
    ]
    assert find(declared, "worker_2") == [{"kind": "Participant", "key": {"participant_id": "worker_2"}}]
    # What lies in something of that name is not called so.
    assert find(declared, P) == [{"kind": "Project", "key": PROJECT}]


def test_what_is_called_just_so_comes_first_then_what_begins_so_then_the_newest(
    declared: Client, store: RecordStore
) -> None:
    runs(store, "Deep", "deep_1", "not_deep", "deep_2", "deeper", "so_deep")

    assert [each["key"]["run_id"] for each in find(declared, "deep")] == [
        *["Deep", "deeper", "deep_2", "deep_1"],
        *["so_deep", "not_deep"],
    ]


def test_of_each_kind_there_are_so_many_and_it_is_said_that_there_are_more(
    declared: Client, store: RecordStore
) -> None:
    runs(store, *(f"deep_{number}" for number in range(25)))

    assert (len(find(declared, "deep")), whole(declared, "deep")["more"]) == (20, ["Run"])
    two = whole(declared, "deep_2", limit=2)
    assert ([each["key"]["run_id"] for each in two["data"]], two["more"]) == (["deep_2", "deep_24"], ["Run"])
    assert whole(declared, "deep_24", limit=1)["more"] == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "a_b", "100%"])
def test_letters_stand_for_themselves_alone(declared: Client, store: RecordStore, text: str) -> None:
    runs(store, "axb", "1000")

    assert all(text in each["key"][list(each["key"])[-1]] for each in find(declared, text))


@pytest.mark.parametrize("text", ["köln", "KÖLN", "Köln", "öln"])
def test_letters_of_other_languages_are_found_large_and_small(declared: Client, store: RecordStore, text: str) -> None:
    runs(store, "Köln", "KÖLN 2")

    assert {each["key"]["run_id"] for each in find(declared, text)} == {"Köln", "KÖLN 2"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%00", "q"),
        (f"q={'x' * 129}", "q"),
        ("q=x&limit=0", "limit"),
        ("q=x&cursor=x", "cursor"),
    ],
)
def test_what_cannot_be_meant_is_refused(declared: Client, query: str, field: str) -> None:
    status, answer = declared.ask("GET", f"/ttp/search?{query}")

    assert (status, answer["field"]) == (417, field)
