"""Where the password of the record store's user is, on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from sqlalchemy import make_url

from synergos.records.database_password import add_database_password_flag, with_password

FILE = "sqlite:////data/records.sqlite"
SERVER = "postgresql+psycopg://director@db.example.org/synergos?sslmode=verify-full"


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    monkeypatch.delenv("SYNERGOS_DATABASE_PASSWORD_FILE", raising=False)
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default=FILE)
    add_database_password_flag(parser)
    return parser


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("a p@ss/word:\n")
    return file


def read(parser: argparse.ArgumentParser, *flags: str) -> str:
    given = parser.parse_args(flags)
    return with_password(parser, given, given.database)


def test_without_a_file_of_it_the_address_stays(parser: argparse.ArgumentParser) -> None:
    assert read(parser) == FILE
    assert read(parser, "--database", SERVER) == SERVER


def test_the_password_is_read_from_a_file(
    parser: argparse.ArgumentParser, password: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged = read(parser, "--database", SERVER, "--database-password-file", str(password))
    monkeypatch.setenv("SYNERGOS_DATABASE_PASSWORD_FILE", str(password))

    assert make_url(flagged) == make_url(SERVER).set(password="a p@ss/word:")
    assert read(parser, "--database", SERVER) == flagged
    assert read(parser) == FILE


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--database_password_file", "FILE"], "expected a --database on a server"),
        (["--database", SERVER.replace("director", "a:b"), "--database_password_file", "FILE"], "without a password"),
        (["--database", SERVER.replace("director@", ""), "--database_password_file", "FILE"], "with a user"),
        (["--database", SERVER, "--database_password_file", "/nowhere"], "/nowhere cannot be read"),
        (["--database", SERVER, "--database_password_file", "/dev/null"], "which is empty"),
    ],
)
def test_what_makes_no_sense_is_named(
    parser: argparse.ArgumentParser,
    password: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    named: str,
) -> None:
    with pytest.raises(SystemExit):
        read(parser, *(str(password) if flag == "FILE" else flag for flag in flags))
    assert "--database_password_file: " in (said := capsys.readouterr().err)
    assert named in said
