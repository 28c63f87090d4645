"""Where the command is signed in: one file in the user's configuration folder, with tokens and no password."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from synergos.cli.profiles import profiles_file
from synergos.errors import InvalidRequest

_NAME = "logins.json"


def logins_file() -> Path:
    """Where the file is, or would be: beside that of the profiles."""
    return profiles_file().with_name(_NAME)


def token_for(address: str) -> str | None:
    """The token that somebody has signed in with at an address; None where nobody has."""
    login = _read(logins_file()).get(_normal(address))
    return None if login is None else str(login["token"])


def keep(address: str, login: Mapping[str, object]) -> None:
    """Remember what somebody has signed in with; in the place of what there was.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    path = logins_file()
    _write(path, {**_read(path), _normal(address): dict(login)})


def forget(address: str) -> Mapping[str, object] | None:
    """Remember nothing of an address any more; what there was.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    path = logins_file()
    logins = dict(_read(path))
    login = logins.pop(_normal(address), None)
    if login is not None:
        _write(path, logins)
    return login


def _normal(address: str) -> str:
    return address.rstrip("/").lower()


def _read(path: Path) -> Mapping[str, Mapping[str, object]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidRequest("cannot be read; `synergos login` writes it anew when it is gone", str(path)) from error
    if not isinstance(found, dict) or not all(isinstance(each, dict) and "token" in each for each in found.values()):
        raise InvalidRequest("is not what `synergos login` writes; it does anew when it is gone", str(path))
    return found


def _write(path: Path, logins: Mapping[str, Mapping[str, object]]) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(logins, file, indent=2)
        beside.replace(path)
    except OSError as error:
        raise InvalidRequest(f"cannot be written: {error.strerror}", str(path)) from error
