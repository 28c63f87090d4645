"""Who this TTP is to a tracking server that asks: by flags, or by the variables that MLflow's own clients know."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from synergos.domain.addresses import Places
from synergos.program.flags import add_flag, refusing
from synergos.program.password_file import read_password

USER, PASSWORD, PASSWORD_FILE = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD_FILE",
)
_CERTIFICATES = frozenset({"MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"})
"""Files that say who vouches for servers, and who this client is: of whichever server."""
_ADMINISTRATOR = "admin"
"""Whom a grid's own server lets in where a password alone is said (:class:`synergos.mlops_server.Login`)."""
_USER_FLAG, _FILE_FLAG = "--mlops_user", "--mlops_password_file"


@dataclass(frozen=True)
class TrackingLogin:
    """User and password."""

    user: str
    password: str = field(repr=False)

    @property
    def environment(self) -> Mapping[str, str]:
        """As MLflow's client is told."""
        return {USER: self.user, PASSWORD: self.password}


def without_login(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment is for a client of no server in particular."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("MLFLOW_TRACKING_") or name in _CERTIFICATES
    }


def add_login_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags; :func:`login_of` reads them."""
    add_flag(
        parser,
        _USER_FLAG,
        variable=USER,
        help=f"user by which MLflow servers let this TTP in that ask for one; with a password alone {_ADMINISTRATOR}",
    )
    add_flag(
        parser,
        _FILE_FLAG,
        type=Path,
        variable=PASSWORD_FILE,
        help=f"file with the password of that user ({PASSWORD} has the password itself)",
    )


def login_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, servers: Places | None
) -> TrackingLogin | None:
    """What the command line says, and the environment; ends the program with a clear message when that makes no sense."""
    user, file, password = given.mlops_user or None, given.mlops_password_file, os.environ.get(PASSWORD) or ""
    if file is not None:
        with refusing(parser):
            password = read_password(file, _FILE_FLAG)
    if user is None and not password:
        return None
    user = user or _ADMINISTRATOR
    if not password:
        parser.error(f"{_FILE_FLAG}: expected a file with the password of {_USER_FLAG}, or {PASSWORD}")
    if ":" in user:
        parser.error(f"{_USER_FLAG}: expected a name without a colon")
    # Whoever declares a collaboration names its server: the password goes to none that nobody has named alone.
    if any(not isinstance(place.host, str) and place.host.num_addresses > 1 for place in (servers or Places()).listed):
        parser.error(
            f"{_USER_FLAG}: expected single servers in --allow_mlops, no networks: the password goes to each of them"
        )
    return TrackingLogin(user, password)
