from __future__ import annotations

from pathlib import Path

import pytest

from synergos.domain.catalogue import Extent
from synergos.permission.judging import Unlisted
from synergos_worker.__main__ import main, parser
from synergos_worker.disclosure.policy import Mode
from synergos_worker.flags import memory_of
from synergos_worker.memory import MemoryLimits


def test_every_flag_has_a_working_default() -> None:
    given = parser().parse_args([])

    assert given.id.startswith("worker/")
    assert given.logging_variant == ["basic"]
    assert (given.port, given.data_port, given.session_timeout) == (5000, 8020, 3600)
    assert (given.cpus, given.gpus, given.censored, given.debug) == (None, None, False, False)


def test_flags_have_short_and_hyphenated_forms() -> None:
    given = parser().parse_args(
        [
            "-i",
            "w",
            "-l",
            "graylog",
            "127.0.0.1",
            "9300",
            "-r",
            "5",
            "-c",
            "-d",
            "--data-port",
            "1",
            "--cpus",
            "0",
            "--gpus",
            "0",
        ]
    )

    assert (given.id, given.logging_variant, given.logging_resolution) == ("w", ["graylog", "127.0.0.1", "9300"], 5)
    assert (given.censored, given.debug, given.data_port, given.cpus, given.gpus) == (True, True, 1, 0, 0)


def test_folders_are_paths() -> None:
    assert parser().parse_args(["--data", "here", "--outputs", "there"]).data == Path("here")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--session_timeout", "0"],
        ["--disclosure", "x"],
        ["--unlisted", "perhaps"],
        ["--approve_models", "yes"],
        ["--catalogue", "everything"],
        ["--minimum_rows", "0"],
        ["--memory", "1"],
        ["--session_memory", "1G"],
        ["--sessions", "0"],
        ["--port", "x"],
        ["--queue", "rabbitmq"],
    ],
)
def test_wrong_flags_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(wrong)

    assert wrong[0] in capsys.readouterr().err


def test_a_worker_is_strict_unless_it_is_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNERGOS_DISCLOSURE", raising=False)

    given = parser().parse_args([])

    assert (given.disclosure, given.minimum_rows) == (Mode.STRICT, 10)
    assert parser().parse_args(["--disclosure", "open", "--minimum-rows", "3"]).disclosure is Mode.OPEN


def test_the_environment_says_how_much_may_leave_and_a_flag_says_it_louder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_DISCLOSURE", "open")

    assert parser().parse_args([]).disclosure is Mode.OPEN
    assert parser().parse_args(["--disclosure", "strict"]).disclosure is Mode.STRICT


def test_a_mistyped_environment_opens_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNERGOS_DISCLOSURE", "opne")

    with pytest.raises(SystemExit):
        parser().parse_args([])

    assert "expected strict or open, got 'opne'" in capsys.readouterr().err


def test_a_key_of_digests_that_is_none_is_said_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("no key")

    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--outputs", str(tmp_path / "out"), "--digest_key", str(tmp_path / "key")])

    assert "--digest_key" in (told := capsys.readouterr().err)
    assert "it holds no key of 32 bytes" in told


def test_what_is_not_kept_at_a_worker_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    folders = ["--data", str(tmp_path / "data"), "--outputs", str(tmp_path / "outputs")]

    with pytest.raises(SystemExit):
        main([*folders, "--keep", "models=3"])

    assert "--keep: 'models' is not something that is kept here; known are predictions" in capsys.readouterr().err


def test_both_ports_cannot_be_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--outputs", str(tmp_path), "--port", "8020", "--data_port", "8020"])

    assert "--data_port: expected another port than that of --port, 8020" in capsys.readouterr().err


def test_what_sessions_may_take_is_said_by_flags_or_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_SESSION_MEMORY", str(2**21))
    monkeypatch.setenv("SYNERGOS_SESSIONS", "3")

    given = parser().parse_args(["--memory", str(2**22)])

    assert memory_of(given) == MemoryLimits(session=2**21, program=2**22, sessions=3)


@pytest.mark.parametrize(
    ("variable", "name", "value", "is_read_as"),
    [
        ("SYNERGOS_UNLISTED", "unlisted", "allow", Unlisted.ALLOW),
        ("SYNERGOS_UNLISTED", "unlisted", "", None),
        ("SYNERGOS_APPROVE_MODELS", "approve_models", "on", True),
        ("SYNERGOS_APPROVE_MODELS", "approve_models", "", False),
        ("SYNERGOS_CATALOGUE", "catalogue", "names", Extent.NAMES),
        ("SYNERGOS_CATALOGUE", "catalogue", "", Extent.OFF),
    ],
)
def test_what_the_owner_allows_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, name: str, value: str, is_read_as: object
) -> None:
    monkeypatch.setenv(variable, value)

    assert getattr(parser().parse_args([]), name) == is_read_as


@pytest.mark.parametrize("variable", ["SYNERGOS_UNLISTED", "SYNERGOS_APPROVE_MODELS", "SYNERGOS_CATALOGUE"])
def test_what_makes_no_sense_there_is_not_as_if_it_were_not_there(
    monkeypatch: pytest.MonkeyPatch, variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "yes")

    with pytest.raises(SystemExit):
        parser().parse_args([])
    assert "got 'yes'" in capsys.readouterr().err
