"""Flags have working defaults, are understood in both spellings, and say what is wrong with a value."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

import pytest

import synergos
from servers.certificates import Authority
from synergos.gelf import Transport
from synergos.program.common_flags import common_parser, log_target
from synergos.program.flags import usable_folder
from synergos.program.logs import LogTarget
from synergos.program.program import read_flags


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    return common_parser("ttp", "Test.")


def refusal(capsys: pytest.CaptureFixture[str], ended: pytest.ExceptionInfo[SystemExit]) -> str:
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_every_flag_has_a_working_default(parser: argparse.ArgumentParser) -> None:
    given = parser.parse_args([])

    assert given.id.startswith("ttp/")
    assert (given.port, given.data_port) == (5000, 8020)
    assert log_target(parser, given) == LogTarget()


@pytest.mark.parametrize("spelling", ["-l", "--logging_variant", "--logging-variant"])
def test_the_log_target_is_read_in_every_spelling(parser: argparse.ArgumentParser, spelling: str) -> None:
    given = parser.parse_args([spelling, "graylog", "127.0.0.1", "9300"])

    assert log_target(parser, given) == LogTarget(("127.0.0.1", 9300))


def test_system_metrics_have_an_input_of_their_own_and_messages_a_way_to_travel(
    parser: argparse.ArgumentParser, tmp_path: Path
) -> None:
    authority = Authority.founded(tmp_path / "authority").certificate
    given = parser.parse_args(
        f"-l graylog 127.0.0.1 9300 9101 --logging_transport tls --logging_ca {authority} --logging_spool 2000000".split()
    )

    assert log_target(parser, given) == LogTarget(
        ("127.0.0.1", 9300), 9101, Transport.TLS, authority, capacity=2_000_000
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-l graylog", "--logging_variant: 'graylog' is not a log target: expected 'basic' or 'graylog HOST PORT"),
        ("-l graylog host", "expected 'basic' or 'graylog HOST PORT [SYSMETRIC_PORT]', ports from 1 to 65535"),
        ("-l graylog host x", "ports from 1 to 65535"),
        ("-l graylog 127.0.0.1 65536", "ports from 1 to 65535"),
        ("-l graylog 127.0.0.1 9300 0", "ports from 1 to 65535"),
        ("-l syslog", "'syslog' is not a log target"),
        ("-l graylog no-such-host.invalid 9300", "--logging_variant: the host 'no-such-host.invalid' has no address"),
        ("-l graylog 127.0.0.1 9300 --logging_ca missing.pem", "--logging_ca: there is no file missing.pem"),
        (
            "-l graylog 127.0.0.1 9300 --logging_transport tls --logging_ca missing.pem",
            "--logging_ca: there is no file missing.pem",
        ),
        (f"-l graylog 127.0.0.1 9300 --logging_transport tls --logging_ca {__file__}", "has no certificates in PEM"),
        (f"-l graylog 127.0.0.1 9300 --logging_ca {__file__}", "--logging_ca: it vouches for a server by TLS"),
        ("-l graylog 127.0.0.1 9300 --logging_transport http", "--logging_transport"),
        ("--logging_spool 5", "--logging_spool"),
    ],
)
def test_a_log_target_that_makes_no_sense_is_refused(
    parser: argparse.ArgumentParser, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        log_target(parser, parser.parse_args(line.split()))

    assert told in refusal(capsys, ended)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "0"],
        ["--port", "70000"],
        ["--cpus", "-1"],
        ["--cpus", "two"],
        ["--maximum_body", "1"],
        ["--connections_per_address", "1"],
    ],
)
def test_a_number_out_of_bounds_is_refused(
    parser: argparse.ArgumentParser, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)

    assert arguments[0] in refusal(capsys, ended)


def test_a_folder_to_write_to_is_made(parser: argparse.ArgumentParser, tmp_path: Path) -> None:
    assert usable_folder(parser, "--outputs", tmp_path / "a" / "b").is_dir()


def test_a_folder_to_read_has_to_be_there(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        usable_folder(parser, "--data", tmp_path / "mistyped", make=False)

    assert "--data" in refusal(capsys, ended)
    assert not (tmp_path / "mistyped").exists()


def test_a_file_is_not_a_folder(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SystemExit) as ended:
        usable_folder(parser, "--outputs", tmp_path / "file")

    assert "--outputs" in refusal(capsys, ended)


def test_every_program_says_its_version(parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"synergos {synergos.__version__}"


def test_what_a_program_writes_is_its_users_alone_from_the_first_folder_on(tmp_path: Path) -> None:
    os.umask(0)
    flags = common_parser("ttp", "")
    flags.add_argument("--outputs", type=Path, default=tmp_path / "ttp" / "outputs")

    read_flags(flags, ["--id", "ttp"])
    folder = usable_folder(flags, "--outputs", tmp_path / "ttp" / "outputs")
    (folder / "model.pt").touch()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"ttp": 0o700, "outputs": 0o700, "model.pt": 0o600}
