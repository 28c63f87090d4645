"""A director starts with the command lines that the original's documentation and its simulator have for it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from synergos.program.common_flags import log_target
from synergos.program.logs import LogTarget
from synergos_director.__main__ import parser
from synmanager.flags import broker_of
from synmanager.rabbitmq import Broker

README = "--id director_syncluster --logging_variant graylog 172.30.0.4 9300 --queue rabbitmq 172.17.0.4 5672"
SIMULATOR = "-i sync_director -mq rabbitmq 172.20.0.16 5672 -l graylog 172.20.0.14 9200 -r 5 --cpus 2"


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SYNERGOS_QUEUE_USER", "SYNERGOS_QUEUE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def understood(line: str) -> tuple[argparse.Namespace, LogTarget, Broker]:
    """What a director reads from a command line, before it changes anything."""
    flags = parser()
    given = flags.parse_args(line.split())
    return given, log_target(flags, given), broker_of(flags, given)


@pytest.mark.parametrize(
    ("line", "name", "log", "queue"),
    [
        (README, "director_syncluster", ("172.30.0.4", 9300), "172.17.0.4"),
        (f"{README} --censored --debug", "director_syncluster", ("172.30.0.4", 9300), "172.17.0.4"),
        (SIMULATOR, "sync_director", ("172.20.0.14", 9200), "172.20.0.16"),
    ],
)
def test_the_launch_examples_of_the_original_are_understood(
    line: str, name: str, log: tuple[str, int], queue: str
) -> None:
    given, log_goes, queue_is = understood(line)

    assert given.id == name
    assert log_goes == LogTarget(log)
    assert queue_is == Broker(queue, 5672)


def test_each_switch_of_the_examples_is_taken() -> None:
    given = parser().parse_args([*SIMULATOR.split(), "-c", "-d"])

    assert (given.censored, given.debug, given.logging_resolution, given.cpus) == (True, True, 5, 2)


def test_without_flags_a_director_logs_to_its_console_and_looks_for_a_queue_on_its_own_machine() -> None:
    given, log_goes, queue_is = understood("")

    assert log_goes == LogTarget()
    assert queue_is == Broker("localhost", 5672)
    assert given.id.startswith("director/")


def test_a_folder_that_only_ttps_write_to_is_taken_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"

    given = parser().parse_args([*README.split(), "--mlflow", str(folder)])

    assert given.mlflow == folder
    assert not folder.exists()
    [described] = [action.help for action in parser()._actions if "--mlflow" in action.option_strings]
    assert described is not None
    assert described.startswith("has no effect here")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("--queue kafka 172.17.0.4 5672", "--queue"),
        ("--queue rabbitmq 172.17.0.4 none", "--queue"),
        ("--logging_variant graylog 172.30.0.4", "'basic' or 'graylog HOST PORT [SYSMETRIC_PORT]'"),
        ("--logging_resolution often", "--logging_resolution"),
        ("--grid 1", "--grid"),
    ],
)
def test_a_flag_that_makes_no_sense_ends_the_program_and_is_named(
    line: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        understood(line)

    assert ended.value.code == 2
    assert named in capsys.readouterr().err
