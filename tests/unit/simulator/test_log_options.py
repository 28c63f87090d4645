"""Where the programs of a grid are told to log, and how their lines are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from synergos.errors import InvalidRequest
from synergos.gelf import Transport
from synergos.pki.consortium import LocalConsortium
from synergos.program.logs import LogTarget
from synergos_simulator.cli.log_options import graylog, graylog_as_one, log_flags
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Plan, Planned
from synergos_simulator.kinds import GridKind, plan_of
from synergos_simulator.log_display import readable
from synergos_simulator.mlops import WithMlops

LOCAL = LogTarget(("127.0.0.1", 9300), 9101)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["--graylog", "a", "9300"], ["--graylog", "a 9300"]),
        (["--graylog", "a", "9300", "9100", "--keep"], ["--graylog", "a 9300 9100", "--keep"]),
        (["--graylog=a", "9300", "--rounds", "3"], ["--graylog", "a 9300", "--rounds", "3"]),
        (["--rounds", "3", "--graylog", "a"], ["--rounds", "3", "--graylog", "a"]),
        (["--graylog", "--keep"], ["--graylog", "--keep"]),
        (["--dataset", "wine"], ["--dataset", "wine"]),
        ([], []),
    ],
)
def test_all_that_follows_the_option_is_its_value(given: list[str], taken: list[str]) -> None:
    assert graylog_as_one(given) == taken


def test_a_log_server_is_host_and_port_and_perhaps_that_of_system_metrics() -> None:
    assert graylog("127.0.0.1 9300") == LogTarget(("127.0.0.1", 9300), 9100)
    assert graylog("127.0.0.1 9300 9101") == LOCAL


@pytest.mark.parametrize("text", ["", "a", "a b", "a 0", "a 65536", "a 9300 x", "a 9300 9100 12201"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected HOST PORT"):
        graylog(text)


def test_programs_are_told_all_that_was_said() -> None:
    server = ["--logging_variant", "graylog", "127.0.0.1", "9300", "9101"]

    assert log_flags(None, None, None) == ["--logging_variant", "basic"]
    assert log_flags(LOCAL, None, None) == server
    assert log_flags(LOCAL, Transport.UDP, None) == [*server, "--logging_transport", "udp"]
    assert log_flags(LOCAL, Transport.TLS, Path("/ca.pem")) == [
        *server,
        *("--logging_transport", "tls", "--logging_ca", "/ca.pem"),
    ]


@pytest.mark.parametrize(
    ("target", "transport", "authority", "option"),
    [
        (None, Transport.TLS, None, "--logging-transport"),
        (None, None, Path("ca.pem"), "--logging-ca"),
        (LOCAL, Transport.UDP, Path("ca.pem"), "--logging-ca"),
        (LOCAL, None, Path("ca.pem"), "--logging-ca"),
        (LogTarget(("no such host", 9300)), None, None, "--graylog"),
    ],
)
def test_what_has_no_effect_or_no_address_is_refused_by_its_name(
    target: LogTarget | None, transport: Transport | None, authority: Path | None, option: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        log_flags(target, transport, authority)

    assert refused.value.field == option


def ports() -> Callable[[], int]:
    return iter(range(20_000, 30_000)).__next__


@pytest.mark.parametrize("kind", GridKind)
def test_every_program_of_every_kind_logs_where_it_is_told(kind: GridKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synergos_simulator.cluster.broker_command", lambda *_, **__: ["rabbitmq"])
    flags = log_flags(LOCAL, None, None)
    plan = plan_of(kind, Path("/run"), Path("/data"), ["worker_1", "worker_2"], logging=flags)

    for program in plan.programs(ports()):
        if not program.is_broker:
            at = list(program.command).index(flags[0])
            assert list(program.command)[at : at + len(flags)] == flags, program.name


@pytest.mark.parametrize(
    "plan", [Plan(Path("/run"), Path("/data"), ["w"]), ClusterPlan(Path("/run"), Path("/d"), ["w"])]
)
def test_a_tracking_server_is_started_with_a_grid_and_stopped_after_who_writes_to_it(
    plan: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_simulator.cluster.broker_command", lambda *_, **__: ["rabbitmq"])
    server, *others = WithMlops(plan, Path("/mlops/bin/python")).programs(ports())

    assert server.outlives
    assert not any(other.outlives for other in others)
    assert server.stops < min(one.stops for one in others if {"--mlflow", "--queue"} & set(one.command))
    assert server.command[0] == "/mlops/bin/python"
    assert "/run/mlops" in server.command
    assert "--tls_cert" not in server.command


def test_a_tracking_server_of_a_grid_that_speaks_tls_does_too(tmp_path: Path) -> None:
    plan = Plan(tmp_path, tmp_path / "data", ["w"], consortium=LocalConsortium(tmp_path / "pki"))

    server, *others = WithMlops(plan, Path("/mlops/bin/python")).programs(ports())

    assert server.address.startswith("https://")
    assert server.command[-4::2] == ["--tls_cert", "--tls_key"]
    # Whom its TTP believes, it does for all the grid's programs.
    [ttp] = [other for other in others if other.name == "ttp"]
    assert server.tls[0] == ttp.command[ttp.command.index("--tls_ca") + 1]


def test_a_line_is_shown_with_its_time_its_program_and_all_facts() -> None:
    facts = {"timestamp": "2026-01-02T03:04:05.6Z", "level": "info", "event": "round", "component": "ttp", "round": 3}

    assert readable("ttp", json.dumps(facts)) == "03:04:05 info    ttp: round round=3"


@pytest.mark.parametrize("line", ["INFO: Uvicorn running", "", "[1]", '{"event": "no time"}', "7"])
def test_a_line_that_is_none_of_ours_is_shown_as_it_is(line: str) -> None:
    assert readable("mlops", line) == f"mlops: {line}"
