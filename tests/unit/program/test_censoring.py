"""A censored log has pseudonyms in the place of paths and network identifiers, wherever they stand, and keeps what it is about."""

from __future__ import annotations

import argparse
import io
import json
import logging
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

import synergos_director.__main__ as director
import synergos_ttp.__main__ as ttp
import synergos_worker.__main__ as worker
from synergos.program.censoring import LONGEST, Censor
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
        # As urllib3, pika, SQLAlchemy's drivers, gunicorn and Python's sockets say it.
        {
            "event": "HTTPConnectionPool(host='ttp.hospital-1.example.org', port=8443): Max retries exceeded with url: /srv/patients/2026"
        },
        {"event": "connecting to ('10.20.30.40', 8443)"},
        {"event": "laddr=('fe80::1ff:fe23:4567:890a', 8443, 0, 2), raddr=('amqp.internal', 8443)"},
        {"event": 'connection to server at "amqp.internal" (10.20.30.40), port 8443 failed: refused'},
        {"event": 'could not translate host name "amqp.internal" to address'},
        {"event": "Listening at: http://10.20.30.40:8443 (12)"},
        {"event": "Connection in use: ('10.20.30.40', 8443)"},
        {"reason": "patients/2026/site/8443.png: is no image"},
        {"reason": "ttp.hospital-1.example.org has no address, nor has amqp.internal"},
        {"reason": "[::ffff:10.20.30.40]:8443 refused, ::ffff:10.20.30.40 too"},
        {"reason": "no answer from db@amqp.internal"},
    ],
)
def test_what_was_planted_is_gone_wherever_it_stood(event: dict[str, object]) -> None:
    written = json.dumps(censored(**event))

    assert [planted for planted in PLANTED if planted in written] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("::ffff:10.20.30.40 refused", "<host> refused"),
        ("[::ffff:10.20.30.40]:8443 refused", "<host>:<port> refused"),
        ("64:ff9b::10.20.30.40 refused", "<host> refused"),
        ("fe80::1%eth0 refused, fe80::1ff:fe23:4567:890a%en-1.2.", "<host> refused, <host>."),
        ("user@db.example.org refused", "user@<host> refused"),
        ("site.hospital.py, ward.hospital.com.pl and a.b.rs refused", "<host>, <host> and <host> refused"),
        ("site.tar.gz, jquery.min.js and site.d.ts are read", "site.tar.gz, jquery.min.js and site.d.ts are read"),
        ("data/my file/rows.csv is read", "<path> is read"),
        ("cannot read '/srv/my file.csv' of \"my site/my rows\"", "cannot read '<path>' of \"<path>\""),
        ("hospital/train: no rows", "<path>: no rows"),
        ("application/json or text/plain and/or 3/15 rows/s", "application/json or text/plain and/or 3/15 rows/s"),
        ("the worker's share, 1/2 of the TTP's", "the worker's share, 1/2 of the TTP's"),
        ("worker:/srv/rows, -d @/srv/rows, +/srv/rows", "worker:<path>, -d @<path>, +<path>"),
        ("of:site/rows.csv", "of:<path>"),
        (r"C:\data\x.csv and 'D:\\my rows\\y.csv' are read", "<path> and '<path>' are read"),
        (r"\\server\share\x.csv is read", "<path> is read"),
        ("No route to host: worker", "No route to host: <host>"),
        ("host: expected a name, host=5 rows", "host: expected a name, host=5 rows"),
        ("ports 5000 and 6000 are taken", "ports <port> and <port> are taken"),
        ("ports: 5000, 5001, or 6000-6010", "ports: <port>, <port>, or <port>-<port>"),
        ("port 5000 or 6000, 16 rows", "port <port> or <port>, 16 rows"),
    ],
)
def test_of_a_text_all_that_names_a_place_goes_and_the_rest_stays(text: str, left: str) -> None:
    found = censored(reason=text)["reason"]

    assert re.sub(r"<(\w+) [0-9a-f]{8}>", r"<\1>", found) == left


@pytest.mark.parametrize(
    "text",
    [
        "-a" * 50_000,
        "%a/a" * 25_000,
        "a/b c" * 20_000,
        "a." * 50_000,
        "::1" * 30_000,
        "'/" * 50_000,
        "1.1." * 20_000,
        "C:\\a " * 20_000,
        "host " * 20_000,
    ],
)
def test_a_long_text_costs_little(text: str) -> None:
    begun = time.thread_time()

    found = censored(reason=text)["reason"]

    # 10,000 characters of the first cost more than this before.
    assert time.thread_time() - begun < 0.3
    assert len(found) <= LONGEST * 8


def test_a_long_text_is_cut_and_says_so() -> None:
    found = censored(reason="word " * 10_000)["reason"]

    assert found == ("word " * 10_000)[:LONGEST] + "…"


@pytest.mark.parametrize("parser", [director.parser, ttp.parser, worker.parser], ids=["director", "ttp", "worker"])
def test_flags_that_name_a_file_or_a_folder_are_known_to(parser: Callable[[], argparse.ArgumentParser]) -> None:
    # Its place, were it no more than a word.
    places = [
        action.dest
        for action in parser()._actions
        if action.type is Path or "FILE" in str(action.metavar) or "folder" in action.dest
    ]

    assert "data" in places
    assert "identity" in places
    found = censored(**dict.fromkeys(places, Path("hosp")))
    assert [name for name in places if not found[name].startswith("<path ")] == []


def test_who_this_program_is_to_a_tracking_server_has_a_pseudonym() -> None:
    assert censored(mlops_user="alice")["mlops_user"].startswith("<user ")


@pytest.mark.parametrize(
    "fact",
    [
        {"rows": 8443},
        {"share": 0.5},
        {"reason": "3/15 rounds, 1:2, 10:02:11, v1.2.3, and/or 50 % of 2026-11-25T10:02:11Z"},
        {"run_id": "first", "participant": "hospital_1"},
        {"logger": "synergos_ttp.stages.rounds", "timestamp": "2026-11-25T10:02:11.000000Z"},
        {"is_kept": True, "nothing": None},
        {"id": "ttp/0b5f9c"},
        {"reason": "rows.csv, model.pt and synergos_ttp.stages.rounds, e.g. in torch.nn.functional, round.py:3"},
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
