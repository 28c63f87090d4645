"""A log record as GELF 1.1 has it: text and numbers, names that Graylog takes, and nothing that breaks a stream of messages."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any

import pytest
from graypy.handler import WAN_CHUNK

from synergos.gelf import message


def sent(**event: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message(event, "TTP_ttp_0"))
    return found


def test_it_has_what_streams_and_dashboards_look_for() -> None:
    found = sent(event="job started", level="warning", logger="synergos_ttp.x", job_id="a", round=3)

    assert (found["version"], found["short_message"], found["level"]) == ("1.1", "[TTP_ttp_0] job started", 4)
    assert found["host"]
    assert found["timestamp"] > 1.7e9
    assert {name: value for name, value in found.items() if name.startswith("_")} == {
        "_event": "job started",
        "_level": "warning",
        "_level_number": 30,
        "_level_name": "WARNING",
        "_logger": "TTP_ttp_0",
        "_module": "synergos_ttp.x",
        "_job_id": "a",
        "_round": 3,
    }


def test_its_moment_is_when_it_was_logged() -> None:
    assert sent(event="e", timestamp="2026-01-02T03:04:05.678901Z")["timestamp"] == 1767323045.679
    assert sent(event="e", timestamp="no moment")["timestamp"] > 1.7e9


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (True, "true"),
        (1.5, 1.5),
        (b"raw", "b'raw'"),
        ("a\0b", "a\0b"),
        ("x" * 9000, "x" * 7999 + "…"),
        ("\ud800", "?"),
    ],
    ids=["yes", "number", "bytes", "null", "long", "half a letter"],
)
def test_a_fact_is_text_or_a_number(fact: object, told: object) -> None:
    assert sent(event="e", fact=fact)["_fact"] == told


@pytest.mark.parametrize(("fact", "told"), [({"a": [1, None]}, '{"a": [1, null]}'), (("b", 2), '["b", 2]')])
def test_what_has_parts_is_json_beside_what_has_none(fact: object, told: str) -> None:
    found = sent(event="e", fact=fact)

    assert "_fact" not in found
    assert found["_fact_json"] == told


@pytest.mark.parametrize("fact", [2**70, math.nan, math.inf], ids=["large", "nan", "infinite"])
def test_a_number_that_a_search_engine_does_not_know_is_no_text_in_a_field_of_numbers(fact: float) -> None:
    found = sent(event="e", fact=fact)

    assert "_fact" not in found
    assert found["_fact_text"] == str(fact)


@pytest.mark.parametrize("name", ["host", "message", "source", "version"])
def test_a_fact_that_graylog_has_one_of_its_own_by_the_name_of_is_sent_by_another(name: str) -> None:
    found = sent(**{"event": "e", name: "told"})

    assert found[f"_fact_{name}"] == "told"
    assert f"_{name}" not in found


def test_where_a_line_comes_from_is_told_by_the_names_that_dashboards_know() -> None:
    found = sent(
        event="e", filename="rounds.py", lineno=7, func_name="run", process=12, thread_name="t", process_name="p"
    )

    names = ("file", "line", "function", "pid", "thread_name", "process_name")
    assert [found[f"_{name}"] for name in names] == ["rounds.py", 7, "run", 12, "t", "p"]


def test_what_is_not_there_is_not_sent() -> None:
    assert "_fact" not in sent(event="e", fact=None)


def test_names_are_those_that_graylog_takes() -> None:
    found = sent(**{"event": "e", "id": "ttp_0", "a b/c": 1, "ünïcode": 2})

    assert found["_component_id"] == "ttp_0"
    assert found["_a_b_c"] == 1
    assert all(re.fullmatch(r"[\w.\-]+", name) for name in found)
    assert "_id" not in found


@pytest.mark.parametrize("letter", ["é", "😀", "\0"], ids=["two bytes", "four bytes", "six letters in JSON"])
def test_one_record_is_one_message_of_no_more_than_128_datagrams(letter: str) -> None:
    facts = {f"{index}_{letter * 200}": letter * 9000 for index in range(300)}

    raw = message(facts | {"event": letter * 9000}, "TTP_x").encode()

    assert b"\0" not in raw
    assert len(zlib.compress(raw, level=0)) < 128 * WAN_CHUNK
    assert len(json.loads(raw)) > 100


def test_a_message_is_not_cut_where_it_need_not_be() -> None:
    found = sent(event="e", **{f"fact_{index}": "x" * 8000 for index in range(10)})

    assert all(found[f"_fact_{index}"] == "x" * 8000 for index in range(10))
