"""The flag that says where the password of the record store's user is, and the program's end when that makes no sense."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from synergos.program.flags import add_flag, refusing
from synergos.program.password_file import read_password

_VARIABLE = "SYNERGOS_DATABASE_PASSWORD_FILE"
_FLAG = "--database_password_file"


def add_database_password_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag; :func:`with_password` reads it."""
    add_flag(
        parser,
        _FLAG,
        type=Path,
        help=f"file with the password of the user in --database, which is in nobody's list of processes then; also {_VARIABLE},"
        " or PGPASSWORD for the password itself",
    )


def with_password(parser: argparse.ArgumentParser, given: argparse.Namespace, database: str) -> str:
    """The URL of a record store with its password, if there is a file of it."""
    said = given.database_password_file or os.environ.get(_VARIABLE)
    if not said:
        return database
    try:
        url = make_url(database)
    except ArgumentError:
        # The program says so where it opens it.
        return database
    if url.get_backend_name() == "sqlite" or url.username is None or url.password is not None:
        if given.database_password_file is None:
            # Of the environment, which all programs of a host may have.
            return database
        parser.error(f"{_FLAG}: expected a --database on a server, with a user and without a password")
    with refusing(parser):
        password = read_password(Path(said), _FLAG)
    return url.set(password=password).render_as_string(hide_password=False)
