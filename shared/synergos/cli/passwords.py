"""Passwords on a command line: asked for, or read from a file; never an argument, which others of the host may see."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from synergos.errors import InvalidRequest

PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password from the first line of this file; - for standard input.",
    ),
]


def new_password(file: Path | None) -> str:
    """A password that somebody chooses, who is asked for it twice.

    Raises:
        InvalidRequest: nobody can be asked, or the file cannot be read.
    """
    return _said(file, confirmation_prompt="Once more")


def known_password(file: Path | None) -> str:
    """A password that somebody knows.

    Raises:
        InvalidRequest: nobody can be asked, or the file cannot be read.
    """
    return _said(file)


def _said(file: Path | None, confirmation_prompt: bool | str = False) -> str:
    if file is not None:
        return _first_line(file)
    if not sys.stdin.isatty():
        raise InvalidRequest("is needed, as nobody can be asked here", "--password-file")
    said: str = typer.prompt("Password", hide_input=True, confirmation_prompt=confirmation_prompt, err=True)
    return said


def _first_line(file: Path) -> str:
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise InvalidRequest(f"cannot be read: {reason}", "--password-file") from error
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise InvalidRequest("expected a password in its first line", "--password-file")
    return lines[0]
