"""A program says at its start what it was told and what it runs on, without passwords."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos.program.censoring import Censor
from synergos.program.resources import Resources
from synergos.program.start_records import log_start

TOLD = {
    "id": "ttp_0",
    "outputs": Path("/outputs"),
    "database": "postgresql+psycopg://synergos:s3cret@db:5432/records",
    "queue": ["rabbitmq", "queue.example", "5672"],
    "logging_variant": ["graylog", "logger", "9300"],
    "censored": False,
    "debug": True,
    "gpus": None,
}


def test_it_says_what_it_was_told_by_subject_and_no_password() -> None:
    with capture_logs() as lines:
        log_start(TOLD, Resources(2, 0))

    told = {line.pop("event"): line for line in lines}
    assert list(told) == ["input parameters", "logging parameters", "queue parameters", "system parameters"]
    assert dict(told["input parameters"]) == {
        "log_level": "info",
        "id": "ttp_0",
        "outputs": "/outputs",
        "database": "postgresql+psycopg://db:5432/records",
        "censored": False,
        "debug": True,
    }
    of_logging, of_queue = told["logging parameters"], told["queue parameters"]
    where = ("logging_variant", "logging_host", "logging_port")
    assert [of_logging[name] for name in where] == ["graylog", "logger", 9300]
    assert [of_queue[name] for name in ("queue", "queue_host", "queue_port")] == ["rabbitmq", "queue.example", 5672]
    assert (told["system parameters"]["cores_used"], told["system parameters"]["device"]) == (2, "cpu")
    assert "s3cret" not in str(told)


def test_a_program_without_a_queue_says_nothing_of_one() -> None:
    with capture_logs() as lines:
        log_start({"id": "w"}, Resources(1, 0))

    assert "queue parameters" not in [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("postgresql+psycopg://u:pa/s3cret@h/db", "postgresql+psycopg://h/db"),
        ("postgresql:///db?host=h&user=u&password=s3cret", "postgresql:///db"),
        ("postgresql://u:s3@cret@h/db", "postgresql://h/db"),
        ("sqlite:////data/records.sqlite", "sqlite:////data/records.sqlite"),
    ],
)
def test_of_a_database_nothing_is_said_that_may_be_a_password(database: str, shown: str) -> None:
    with capture_logs() as lines:
        log_start({"database": database}, Resources(1, 0))

    assert lines[0]["database"] == shown


def test_a_censored_start_names_no_host_port_or_path() -> None:
    planted = ["graylog.hospital.example", "9321", "queue.hospital.example", "5679", "fl.hospital.example", "10.9.8.7"]
    planted += [
        "conf/hospital/policy.toml",
        "keys/hosp/dk",
        "hosp/ca.pem",
        "/srv/hosp",
        "hosp/queue.pem",
        "mlflow.hosp",
    ]
    told = {
        "logging_variant": ["graylog", planted[0], planted[1]],
        "queue": ["rabbitmq", planted[2], planted[3]],
        "allow_hosts": [planted[4]],
        "allow_nodes": [planted[5]],
        "policy": planted[6],
        "digest_key": planted[7],
        "logging_ca": planted[8],
        "data": planted[9],
        "queue_certificates": planted[10],
        "allow_mlops": [planted[11]],
        "host": planted[5],
        "port": 9321,
    }
    censor = Censor(b"key")
    with capture_logs() as lines:
        log_start(told, Resources(1, 0))

    written = json.dumps([censor(None, "", line) for line in lines])
    assert [each for each in planted if each in written] == []
