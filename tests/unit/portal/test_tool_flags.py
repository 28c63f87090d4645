"""Which programs' pages the station shows, and what they are asked with, by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos_portal.proxy.tool import Login
from synergos_portal.settings import Tools, parser, tools_of


def told(*arguments: str) -> Tools:
    flags = parser()
    return tools_of(flags, flags.parse_args(arguments))


def test_nothing_is_shown_that_was_not_said() -> None:
    assert told() == Tools()


@pytest.mark.parametrize("flag", ["--mlops", "--logs", "--queue_pages"])
@pytest.mark.parametrize("said", ["mlops:5500", "ftp://mlops", "http://mlops:99999", "http://mlops/?a=b"])
def test_what_is_no_address_is_refused(flag: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        told(flag, said)

    assert f"{flag}: " in (error := capsys.readouterr().err)
    assert "expected an address such as http://" in error


def test_a_program_is_asked_as_a_user(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse\n")

    tools = told(
        "--queue_pages", "http://mq", "--queue_user", "lead", "--queue_password_file", str(tmp_path / "password")
    )

    assert tools.logins == {"queue": Login("lead", "correct horse")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mlops_user", "lead"], "expected --mlops, --mlops_user and --mlops_password_file together"),
        (
            ["--mlops", "http://m", "--mlops_user", "lead"],
            "expected --mlops, --mlops_user and --mlops_password_file together",
        ),
        (["--mlops", "http://m", "--mlops_user", "le:ad", "--mlops_password_file", "x"], "without a colon"),
        (
            ["--mlops", "http://m", "--mlops_user", "lead", "--mlops_password_file", "/nowhere"],
            "cannot be read (FileNotFoundError)",
        ),
        (
            ["--mlops", "http://m", "--mlops_user", "lead", "--mlops_password_file", "/dev/null"],
            "which is empty",
        ),
        (
            ["--mlops", "http://m", "--mlops_user", "lead", "--mlops_password_file", __file__],
            "one line with the password",
        ),
        (["--tools_ca", "/dev/null"], "--tls_ca"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        told(*arguments)

    assert said in capsys.readouterr().err
