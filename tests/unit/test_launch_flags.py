"""The launch commands in the documentation of the original's components, and the same in short: which of them start a container is in
tests/containers/test_launch_commands.py."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from synergos_director.__main__ import parser as director
from synergos_ttp.__main__ import parser as ttp
from synergos_worker.__main__ import parser as worker

GRAYLOG = "--logging_variant graylog 172.30.0.4 9300"
QUEUE = "--queue rabbitmq 172.17.0.4 5672"
SHORT_GRAYLOG, SHORT_QUEUE = "-l graylog 172.30.0.4 9300", "-mq rabbitmq 172.17.0.4 5672"


@pytest.mark.parametrize(
    ("parser", "long", "short"),
    [
        (
            director,
            f"--id director_syncluster {GRAYLOG} {QUEUE} --censored --debug --logging_resolution 5",
            f"-i director_syncluster {SHORT_GRAYLOG} {SHORT_QUEUE} -c -d -r 5",
        ),
        (
            ttp,
            f"--id ttp_synbasic {GRAYLOG} --censored --debug --logging_resolution 20 --cpus 4",
            f"-i ttp_synbasic {SHORT_GRAYLOG} -c -d -r 20 --cpus 4",
        ),
        (
            ttp,
            f"--id ttp_syncluster_2 --grid 1 {QUEUE} {GRAYLOG} --censored --debug --logging_resolution 5",
            f"-i ttp_syncluster_2 -g 1 {SHORT_QUEUE} {SHORT_GRAYLOG} -c -d -r 5",
        ),
        (
            worker,
            f"--id party_1_node_2 {GRAYLOG} --censored --debug --logging_resolution 20 --cpus 4",
            f"-i party_1_node_2 {SHORT_GRAYLOG} -c -d -r 20 --cpus 4",
        ),
    ],
    ids=["director", "basic TTP", "cluster TTP", "worker"],
)
def test_both_spellings_say_the_same(parser: Callable[[], ArgumentParser], long: str, short: str) -> None:
    usual, said = parser().parse_args(["--id", "any"]), parser().parse_args(long.split())

    assert said == parser().parse_args(short.split())
    assert all(getattr(said, name) != getattr(usual, name) for name in ("id", "logging_variant", "censored", "debug"))


@pytest.mark.parametrize(
    ("parser", "flags", "name", "value"),
    [
        (worker, "--id party_1_node_1 --logging_variant basic", "logging_variant", ["basic"]),
        (worker, f"--id party_1_node_2 {GRAYLOG}", "logging_variant", ["graylog", "172.30.0.4", "9300"]),
        (ttp, f"--id ttp_syncluster_2 --grid 1 {QUEUE} {GRAYLOG}", "grid", 1),
    ],
)
def test_the_examples_are_understood(
    parser: Callable[[], ArgumentParser], flags: str, name: str, value: object
) -> None:
    assert getattr(parser().parse_args(flags.split()), name) == value
