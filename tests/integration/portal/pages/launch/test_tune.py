"""Hyperdrive: a study is filled in or uploaded, looked over, and begun once."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fakes.orchestration import CannedDispatcher
from fakes.portal import Portal, Visitor, portal, tokens_of
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest.app import create_app

C, P, E = "abalone_collaboration", "abalone_project", "abalone_experiment"
PAGE = f"/collaborations/{C}/projects/{P}/experiments/{E}/tune"
RANGES = {"lr": {"_type": "loguniform", "_value": [0.0001, 0.1]}, "rounds": {"_type": "choice", "_value": [1, 2]}}


@pytest.fixture
def store(aligned: str) -> Iterator[RecordStore]:
    store = RecordStore(aligned)
    yield store
    store.close()


@pytest.fixture
def grid(store: RecordStore, tmp_path: Path) -> Portal:
    return portal(tmp_path, create_app(store, CannedDispatcher(store), component_id="ttp/1"))


def filled(**values: Any) -> dict[str, Any]:
    """The form with one row, filled in."""
    row = {"dimensions-0-name": "lr", "dimensions-0-kind": "uniform", "dimensions-0-values": "0.001, 0.1"}
    return {**row, "metric": "MSE", "max_trial_num": "3", "searcher": "TPE", "scheduler": "median", **values}


def press(visitor: Visitor, what: str, page: str = "", **values: Any) -> TestResponse:
    tokens = tokens_of(page or visitor.get(PAGE).text)
    return visitor.post(PAGE, {**tokens, **values, "do": what})


def carried(page: str) -> str:
    [found] = re.findall(r'name="request" value="([^"]*)"', page)
    return html.unescape(found)


def studies(store: RecordStore) -> list[dict[str, Any]]:
    return store.find(Kind.STUDY, {})


def test_it_is_looked_over_before_anything_is_stored(grid: Portal, store: RecordStore) -> None:
    answer = press(grid.visitor(), "check", **filled(searcher="random"))

    assert answer.status_code == HTTPStatus.OK
    assert "3 trials, up to 6 jobs" in " ".join(answer.text.split())
    assert "The smallest MSE is the best." in answer.text
    assert studies(store) == []


def test_what_was_looked_over_is_begun_once(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    page = press(visitor, "check", **filled(max_exec_duration="", seed="7")).text

    answers = [press(visitor, "start", page, request=carried(page)) for _ in range(2)]

    [study] = studies(store)
    assert {answer.location for answer in answers} == {f"/studies/{study['key']['study_id']}"}
    assert (study["metric"], study["direction"], study["max_trials"], study["seed"]) == ("MSE", "min", 3, 7)
    assert study["max_seconds"] is None


def test_a_file_of_ranges_fills_the_rows(grid: Portal) -> None:
    content = BytesIO(json.dumps(RANGES).encode())

    page = press(grid.visitor(), "read", **filled(ranges=(content, "ranges.json"))).text

    assert re.search(r'name="dimensions-0-name"[^>]* value="lr"', page)
    assert 'value="0.0001, 0.1"' in page
    assert 'value="1, 2"' in page


@pytest.mark.parametrize("number", ["²", "9" * 5000, "200", "-1"])
def test_rows_of_no_number_that_the_form_has_are_passed_over(grid: Portal, number: str) -> None:
    answer = press(grid.visitor(), "check", **filled(**{f"dimensions-{number}-name": "elsewhere"}))

    assert (answer.status_code, "elsewhere" in answer.text) == (HTTPStatus.OK, False)


def test_a_file_is_looked_over_at_once(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    content = BytesIO(json.dumps(RANGES).encode())
    request = {"metric": "MSE", "max_trial_num": "2", "searcher": "TPE", "scheduler": "none"}

    page = press(visitor, "check", **request, ranges=(content, "ranges.json")).text
    press(visitor, "start", page, request=carried(page))

    [study] = studies(store)
    assert study["search_space"] == RANGES


def test_what_a_file_says_besides_takes_the_place_of_what_was_typed(grid: Portal) -> None:
    content = BytesIO(json.dumps({"search_space": RANGES, "max_trial_num": 7, "max_exec_duration": None}).encode())

    page = press(grid.visitor(), "read", **filled(ranges=(content, "ranges.json"), max_exec_duration="1h")).text

    assert re.search(r'<input [^>]*name="max_trial_num"[^>]* value="7"', page)
    assert re.search(r'<input [^>]*name="max_exec_duration"[^>]* value=""', page)


@pytest.mark.parametrize("do", ["read", "check"])
@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"max_trial_num": "many"}, "max_trial_num"),
        ({"seed": [1]}, "seed"),
        ({"base_run": {"a": 1}}, None),
        ({"max_exec_duration": 5}, None),
        ({"dimensions": 5, "ranges": 5}, None),
    ],
    ids=["a text", "a list", "an object", "a number", "names of other fields"],
)
def test_what_a_file_says_of_a_wrong_kind_stands_at_its_field(
    grid: Portal, do: str, said: dict[str, Any], field: str | None
) -> None:
    content = BytesIO(json.dumps({"search_space": RANGES, **said}).encode())

    answer = press(grid.visitor(), do, **filled(ranges=(content, "ranges.json")))

    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert field is None or f'href="#{field}"' in answer.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"rounds: 3", "The file cannot be read: not JSON (line 1"),
        (b"[" * 100 + b"]" * 100, "The file cannot be read: expected at most 32 levels"),
        (b'{"lr": 0.1}', "lr: expected"),
        (b"\xff\xfe", "The file cannot be read: not JSON"),
        (b'{"lr": {"_type": "choice", "_value": ["\\ud800"]}}', "The file cannot be read: lr._value[0]: expected text"),
    ],
    ids=["no JSON", "deep", "another kind", "no text", "half a letter"],
)
def test_a_file_that_is_none_is_refused_at_its_field(
    grid: Portal, store: RecordStore, content: bytes, words: str
) -> None:
    answer = press(grid.visitor(), "check", **filled(ranges=(BytesIO(content), "ranges.json")))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in html.unescape(answer.text)
    assert 'href="#ranges"' in answer.text
    assert studies(store) == []


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"dimensions-0-name": "learning_rate"}, "dimensions-0-values", "learning_rate"),
        ({"dimensions-0-values": "1"}, "dimensions-0-values", ">search_space.lr._value: expected"),
        ({"dimensions-0-values": ""}, "dimensions-0-values", "lr: expected values"),
        ({"dimensions-0-kind": "even"}, "dimensions-0-values", "search_space.lr._type"),
        ({"max_trial_num": "0"}, "max_trial_num", "Number must be between 1 and 10000"),
        ({"max_trial_num": "many"}, "max_trial_num", "Not a valid integer value"),
        ({"max_exec_duration": "soon"}, "max_exec_duration", "soon"),
        ({"max_concurrent": "-1"}, "max_concurrent", "Number must be between"),
        ({"base_run": "nobody"}, "base_run", "nobody"),
        ({"metric": "luck"}, "metric", "luck"),
        ({"searcher": "luck"}, "searcher", "luck"),
        ({"scheduler": "luck"}, "scheduler", "luck"),
        ({"seed": "-3"}, "seed", "Number must be between"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_stands_at_its_field_and_on_top(
    grid: Portal, store: RecordStore, values: dict[str, str], field: str, words: str
) -> None:
    answer = press(grid.visitor(), "check", **filled(**values))

    page = html.unescape(answer.text)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, page
    assert f'href="#{field}"' in page
    assert words in page
    assert f'id="{field}-errors"' in page
    # What was typed stays.
    assert f'value="{values.get("dimensions-0-values", "0.001, 0.1")}"' in page
    assert studies(store) == []


def test_nothing_searched_is_said(grid: Portal) -> None:
    answer = press(grid.visitor(), "check", **filled(**{"dimensions-0-name": "", "dimensions-0-values": ""}))

    assert "Nothing is searched" in answer.text


def test_what_was_looked_over_can_be_changed(grid: Portal) -> None:
    visitor = grid.visitor()
    page = press(visitor, "check", **filled(max_concurrent="2")).text

    form = press(visitor, "change", page, request=carried(page)).text

    assert 'value="0.001, 0.1"' in form
    assert re.search(r'name="max_concurrent"[^>]* value="2"', form)


def test_more_rows_keep_what_is_there(grid: Portal) -> None:
    page = press(grid.visitor(), "more", **filled()).text

    assert page.count("-kind") > 6
    assert 'value="0.001, 0.1"' in page


@pytest.mark.parametrize("request_", ["", "nonsense", "[]", '{"search_space": 3}', '{"search_space": {}}'])
def test_what_is_no_request_any_more_begins_nothing(grid: Portal, store: RecordStore, request_: str) -> None:
    answer = press(grid.visitor(), "start", request=request_)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert studies(store) == []
