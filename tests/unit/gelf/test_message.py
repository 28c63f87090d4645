"""A log record as GELF 1.1 has it: text and numbers, names that Graylog takes, and nothing that breaks a stream of messages."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

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


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (True, "true"),
        (2**70, str(2**70)),
        (math.nan, "nan"),
        (1.5, 1.5),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (("b", 2), '["b", 2]'),
        (b"raw", "b'raw'"),
        ("a\0b", "a\0b"),
        ("x" * 9000, "x" * 7999 + "…"),
        ("\ud800", "?"),
    ],
    ids=["yes", "large", "nan", "number", "names", "list", "bytes", "null", "long", "half a letter"],
)
def test_a_fact_is_text_or_a_number(fact: object, told: object) -> None:
    assert sent(event="e", fact=fact)["_fact"] == told


def test_what_is_not_there_is_not_sent() -> None:
    assert "_fact" not in sent(event="e", fact=None)


def test_names_are_those_that_graylog_takes() -> None:
    found = sent(**{"event": "e", "id": "ttp_0", "a b/c": 1, "ünïcode": 2})

    assert found["_component_id"] == "ttp_0"
    assert found["_a_b_c"] == 1
    assert all(re.fullmatch(r"[\w.\-]+", name) for name in found)
    assert "_id" not in found


def test_one_record_is_one_message_of_a_bounded_size() -> None:
    raw = message({f"fact_{index}": "é" * 9000 for index in range(300)} | {"event": "e\0f"}, "TTP_x").encode()

    assert b"\0" not in raw
    assert len(raw) < 2 * 2**20 * 2
