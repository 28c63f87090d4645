"""A program says at its start what it was told and what it runs on, without passwords."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from synergos.program.resources import Resources
from synergos.program.start_records import log_start

TOLD = {
    "id": "ttp_0",
    "outputs": Path("/outputs"),
    "database": "postgresql+psycopg://synergos:s3cret@db:5432/records",
    "queue": ["rabbitmq", "amqp://user:s3cret@queue", "5672"],
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
    assert told["logging parameters"]["logging_variant"] == ["graylog", "logger", "9300"]
    assert told["queue parameters"]["queue"] == ["rabbitmq", "amqp://queue", "5672"]
    assert (told["system parameters"]["cores_used"], told["system parameters"]["device"]) == (2, "cpu")
    assert "s3cret" not in str(told)


def test_a_program_without_a_queue_says_nothing_of_one() -> None:
    with capture_logs() as lines:
        log_start({"id": "w"}, Resources(1, 0))

    assert "queue parameters" not in [line["event"] for line in lines]
