"""A censored log has pseudonyms in the place of paths and network identifiers, wherever they stand, and keeps what it is about."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest
import structlog

from synergos.program.censoring import Censor
from synergos.program.logs import LogTarget, configure_logging

PLANTED = [
    "ttp.hospital-1.example.org",
    "10.20.30.40",
    "fe80::1ff:fe23:4567:890a",
    "/srv/patients/2026",
    "8443",
    "amqp.internal",
]


def censored(**event: object) -> dict[str, Any]:
    return dict(Censor(b"key")(None, "", {"event": "e", **event}))


@pytest.mark.parametrize(
    "event",
    [
        {"host": "ttp.hospital-1.example.org", "port": 8443},
        {"nodes": [{"address": "10.20.30.40", "data_port": 8443}]},
        {"reason": "10.20.30.40:8443 refused, and fe80::1ff:fe23:4567:890a too"},
        {"reason": "no answer from https://ttp.hospital-1.example.org:8443/ttp?x=1 within 5 s"},
        {"reason": "could not connect to ttp.hospital-1.example.org:8443"},
        {"reason": "[fe80::1ff:fe23:4567:890a]:8443 is not there"},
        {"reason": "cannot listen at 10.20.30.40: port 8443 is taken"},
        {"places": ["/srv/patients/2026/a.py:3 read"]},
        {"error": "No such file: '/srv/patients/2026/rows.csv'"},
        {"files": {"train": {"/srv/patients/2026/rows.csv": 3}}},
        {"database": "postgresql://user:secret@amqp.internal/records"},
        {"event": "listening at http://amqp.internal:8443"},
    ],
)
def test_what_was_planted_is_gone_wherever_it_stood(event: dict[str, object]) -> None:
    written = json.dumps(censored(**event))

    assert [planted for planted in PLANTED if planted in written] == []


@pytest.mark.parametrize(
    "fact",
    [
        {"rows": 8443},
        {"share": 0.5},
        {"reason": "3/15 rounds, 1:2, 10:02:11, v1.2.3, and/or 50 % of 2026-11-25T10:02:11Z"},
        {"run_id": "first", "participant": "hospital_1"},
        {"logger": "synergos_ttp.stages.rounds", "timestamp": "2026-11-25T10:02:11.000000Z"},
        {"is_kept": True, "nothing": None},
    ],
)
def test_everything_else_stays_as_it_is(fact: dict[str, object]) -> None:
    assert censored(**fact) == {"event": "e", **fact}


def test_two_nodes_stay_two_and_one_stays_one() -> None:
    censor = Censor(b"key")

    def of(host: str, **more: object) -> Any:
        return censor(None, "", {"event": "e", "host": host, **more})["host"]

    assert of("node-a") == of("node-a") != of("node-b")
    in_text = censor(None, "", {"event": "e", "reason": "node-a has gone, node-ab has not"})["reason"]
    assert in_text == f"{of('node-a')} has gone, node-ab has not"


def test_a_host_is_the_same_alone_and_with_its_port() -> None:
    alone, with_port = censored(host="10.20.30.40")["host"], censored(reason="10.20.30.40:5000")["reason"]

    assert with_port.startswith(alone)


def test_without_the_key_nobody_can_try_addresses_out() -> None:
    one, other = (Censor(key)(None, "", {"event": "e", "host": "10.20.30.40"})["host"] for key in (b"a", b"b"))

    assert one != other


def test_programs_that_share_a_key_share_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_CENSOR_KEY", "shared")

    one, other = (Censor()(None, "", {"event": "e", "host": "10.20.30.40"})["host"] for _ in range(2))

    assert one == other


def test_lines_of_libraries_are_censored_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    configure_logging("ttp_0", LogTarget(), censored=True)

    logging.getLogger("library").warning("cannot reach %s at /srv/patients/2026", "10.20.30.40:8443")
    try:
        raise OSError(2, "No such file", "/srv/patients/2026")
    except OSError:
        structlog.get_logger("ours").exception("failed", path="/srv/patients/2026")

    written = stderr.getvalue()
    assert len(written.splitlines()) == 2
    assert [planted for planted in PLANTED if planted in written] == []
