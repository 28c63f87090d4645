"""How answers show themselves."""

from __future__ import annotations

import copy
import json
import pickle
from html.parser import HTMLParser
from typing import Any

import pytest

from synergos.driver.answers import MOST_ROWS, WIDTH, Answer, Record, Records, readable

KEY = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}


def answer(**body: Any) -> Answer:
    return Answer(readable({"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "runs.get", **body}))


def run(run_id: str, **more: Any) -> dict[str, Any]:
    return {"kind": "Run", "doc_id": "7", "key": {**KEY, "run_id": run_id}, "relations": {"Model": []}, **more}


class Tags(HTMLParser):
    """The elements of a text, and what is written in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert attrs == []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_an_answer_is_the_dict_it_always_was() -> None:
    body = {"status": 200, "data": [{"key": KEY, "lr": [0.1, None]}]}
    shown = Answer(readable(body))

    assert shown == body
    assert json.loads(json.dumps(shown)) == body
    assert isinstance(shown["data"][0], dict)
    assert (copy.deepcopy(shown), pickle.loads(pickle.dumps(shown))) == (body, body)


def test_what_is_short_is_shown_as_python_shows_it() -> None:
    assert repr(answer(data=run("r"))["data"]["key"]) == repr(KEY)
    assert repr(Records([Record(a=1)])) == "[{'a': 1}]"


def test_a_list_is_a_table_and_what_all_rows_share_is_said_once() -> None:
    shown = repr(answer(data=[run("first", lr=0.1, rounds=5), run("second", lr=0.25, rounds=5)]))

    assert shown.splitlines() == [
        "runs.get · 200 · 2 items",
        "collab_id c · project_id p · expt_id e · rounds 5",
        "run_id  lr",
        "first   0.1",
        "second  0.25",
    ]


def test_a_list_of_one_is_shown_as_what_it_is_one_of() -> None:
    shown = repr(answer(data=[run("only", lr=0.1, **{f"setting_{number}": number for number in range(20)})]))

    assert "run_id      only" in shown.splitlines()
    assert "setting_19  19" in shown.splitlines()


def test_what_all_rows_share_is_not_broken_in_two() -> None:
    shared = {f"a_name_of_some_length_{number}": "a value" for number in range(12)}
    lines = repr(answer(data=[run("a", **shared), run("b", **shared)])).splitlines()

    assert lines[1:5] == [
        "collab_id c · project_id p · expt_id e · a_name_of_some_length_0 a value",
        *(
            " · ".join(f"a_name_of_some_length_{number} a value" for number in numbers)
            for numbers in [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
        ),
    ]
    assert lines[5] == "…"


def test_one_record_has_a_line_for_each_field() -> None:
    shown = repr(answer(data=run("r", lr=0.1, layers=[{"size": 10**30}] * 2, note=None, server={"lr": 1})))

    assert shown.splitlines()[:2] == ["runs.get · 200", "collab_id        c"]
    assert {"kind             Run", "lr               0.1"} <= set(shown.splitlines())
    assert "layers           (2 items)" in shown
    assert "note             –" in shown
    assert "server.lr        1" in shown


def test_an_error_says_what_is_wrong() -> None:
    shown = Answer(readable({"success": 0, "status": 417, "message": "lr: expected a number"}))

    assert repr(shown) == "error 417: lr: expected a number"
    assert Tags(shown._repr_html_()).texts == ["error 417: lr: expected a number"]


def test_warnings_and_further_pages_are_not_overlooked() -> None:
    shown = answer(data=[run("r")], next="abc", warnings=["node_0 cannot be reached"])

    for text in (repr(shown), shown._repr_html_()):
        assert "warning: node_0 cannot be reached" in text
        assert "there are more: cursor=answer[" in text


def test_validations_show_classes_by_name() -> None:
    figures = {"statistics": {"f_score": [0.5, 0.75]}, "classes": ["no", "yes"], "overall": {"rows": 9}}
    records = [
        {"kind": "Validation", "key": {**KEY, "participant_id": who}, "evaluate": figures} for who in ("w1", "w2")
    ]

    lines = repr(answer(data=records)).splitlines()

    assert lines[1].endswith("overall.rows 9")
    assert [line.split() for line in lines[2:4]] == [
        ["participant_id", "class", "label", "f_score"],
        ["w1", "0", "no", "0.5"],
    ]


def test_jobs_show_how_they_stand() -> None:
    job = {
        "kind": "Job",
        "id": "a1",
        "stage": "train",
        "state": "running",
        "keys": KEY,
        "progress": {"round": 3, "rounds": 5},
    }

    shown = repr(answer(data=[job, {**job, "id": "b2", "state": "failed", "error": {"message": "diverged"}}]))

    assert "a1  running · round 3/5" in shown
    assert "b2  failed: diverged" in shown
    assert "stage train · of c/p/e/r" in shown


@pytest.mark.parametrize(
    "data",
    [
        [
            run(f"run {number}", **{f"setting_{name}": [number] * 30 for name in range(40)})
            for number in range(MOST_ROWS * 5)
        ],
        run("r", **{f"setting_{name}": {"deep": {"deeper": "x" * 5000}} for name in range(400)}),
        [],
        [1, "text", None, [2]],
        [
            {"kind": "Validation"},
            {"kind": "Job"},
            {"kind": 5, "key": 6},
            {"kind": "Alignment", "key": {}, "train": None},
        ],
    ],
    ids=["many rows", "many fields", "none", "no objects", "not as ours are"],
)
def test_no_answer_is_long(data: Any) -> None:
    shown = answer(data=data)

    for text in (repr(shown), str(shown), repr(shown["data"])):
        assert len(text.splitlines()) <= MOST_ROWS * 3
        assert max(map(len, text.splitlines())) <= WIDTH
    assert Tags(shown._repr_html_()).names <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


EVIL = "<script>alert(1)</script>&amp;"


@pytest.mark.parametrize(
    "shown",
    [
        answer(data=[run(EVIL), run("other")]),
        answer(data=[run(EVIL, **{EVIL: EVIL}), run("other", **{EVIL: 1})]),
        answer(data=run("r", **{EVIL: {EVIL: [EVIL]}})),
        answer(data=[EVIL, "other"], method=EVIL, warnings=[EVIL, {EVIL: EVIL}]),
        Answer(readable({"status": 404, "message": EVIL})),
        Records([Record({EVIL: EVIL})]),
        Record({EVIL: EVIL}),
    ],
    ids=["id", "field", "nested", "envelope", "error", "list", "object"],
)
def test_nothing_in_an_answer_is_taken_for_html(shown: Any) -> None:
    tags = Tags(shown._repr_html_())

    assert "script" not in tags.names
    assert EVIL in "".join(tags.texts)


def test_a_terminal_is_told_nothing_but_text() -> None:
    evil = "\x1b[2Jé\r\x07"
    wide = {evil: evil, "text": "é" * 200}
    for shown in (
        answer(data=run(evil, **wide)),
        answer(data=[run(evil, **wide), run("other", **{evil: 1})]),
        answer(data=[run(evil, **wide), run("other", **wide)], method=evil, warnings=[evil]),
        Answer(readable({"status": evil, "message": evil})),
    ):
        assert not {"\x1b", "\r", "\x07"} & set(repr(shown))
        assert "é" in repr(shown)
