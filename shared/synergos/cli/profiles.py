"""Named connections: one file in the user's configuration folder says which orchestrators there are, and holds no secret."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import typer

from synergos.errors import InvalidRequest, RecordNotFound, UnknownName

FOLDER_VARIABLE = "SYNERGOS_CONFIG"
"""The environment's word for another folder than the user's own."""
EXAMPLE = "http://127.0.0.1:5000"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FILES = ("tls_ca", "tls_cert", "tls_key")
_KEYS = ("address", "timeout", *_FILES)


@dataclass(frozen=True)
class Address:
    """Where an orchestrator listens."""

    host: str
    port: int
    is_secured: bool

    @classmethod
    def of(cls, text: str, field: str) -> Self:
        """Read ``http://host:port``.

        Raises:
            InvalidRequest: it is not one, or says more than that.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise InvalidRequest(f"{text!r} is not an address like {EXAMPLE}", field) from None
        if parts.username is not None or parts.password is not None:
            raise InvalidRequest("an address has no user name and no password in it; leave them out", field)
        if parts.scheme not in {"http", "https"} or not parts.hostname or port is None:
            raise InvalidRequest(f"{text!r} is not an address like {EXAMPLE}", field)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise InvalidRequest(f"{text!r} goes on after the port; expected an address like {EXAMPLE}", field)
        return cls(parts.hostname, port, parts.scheme == "https")


@dataclass(frozen=True)
class Profile:
    """A named connection.

    Attributes:
        timeout: seconds to wait for an answer; None for the command's own.
        tls_ca: the file of who vouches for the orchestrator, by https; None for whom the environment names.
        tls_cert: the file of a certificate of the user's own, for an orchestrator that wants one.
        tls_key: of that certificate.
    """

    address: str
    timeout: float | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    @classmethod
    def of(cls, found: object, at: str) -> Self:
        """Read a table of the file.

        Raises:
            InvalidRequest: names the key that is wrong.
        """
        if not isinstance(found, dict):
            raise InvalidRequest("expected a table with address and timeout", at)
        for name in found:
            if name not in _KEYS:
                raise UnknownName(name, _KEYS, f"{at}.{name}", "a key of a profile", listed=_KEYS)
        address, timeout = found.get("address"), found.get("timeout")
        if not isinstance(address, str):
            raise InvalidRequest(f"expected an address like {EXAMPLE}", f"{at}.address")
        place = Address.of(address, f"{at}.address")
        files = {name: _file(found[name], f"{at}.{name}") for name in _FILES if name in found}
        if files and not place.is_secured:
            raise InvalidRequest(
                "expected an address with https://: by http nothing is verified", f"{at}.{next(iter(files))}"
            )
        return cls(address, _seconds(timeout, f"{at}.timeout"), **files)

    def to_dict(self) -> dict[str, object]:
        """As the file has it."""
        return {name: value for name in _KEYS if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Profiles:
    """What the file says.

    Attributes:
        default: the profile that is meant where nothing else is said.
    """

    named: Mapping[str, Profile] = field(default_factory=dict)
    default: str | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; where there is none there are no profiles.

        Raises:
            InvalidRequest: it cannot be read, or not be understood.
        """
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise InvalidRequest(f"cannot be read: {error.strerror}", str(path)) from error
        except ValueError as error:
            raise InvalidRequest(f"is not TOML: {error}", str(path)) from error
        return cls._of(found, str(path))

    @classmethod
    def _of(cls, found: Mapping[str, object], at: str) -> Self:
        for name in found:
            if name not in {"default", "profile"}:
                raise UnknownName(
                    name, ("default", "profile"), f"{at}: {name}", "known here", listed=("default", "profile")
                )
        tables = found.get("profile", {})
        if not isinstance(tables, dict):
            raise InvalidRequest("expected a table for each profile, as [profile.name]", f"{at}: profile")
        named = {name: Profile.of(table, f"{at}: profile.{name}") for name, table in tables.items()}
        default = found.get("default")
        if default is not None and default not in named:
            raise UnknownName(default, named, f"{at}: default", "a profile of this file", listed=list(named))
        return cls(named, None if default is None else str(default))

    def get(self, name: str, field: str) -> Profile:
        """The profile of a name.

        Raises:
            RecordNotFound: there is none.
        """
        if name not in self.named:
            known = f"there is {', '.join(self.named)}" if self.named else "`synergos profile add` makes one"
            raise RecordNotFound(f"there is no profile {name!r}; {known}", field)
        return self.named[name]

    def with_profile(self, name: str, profile: Profile) -> Self:
        """These and one more, or one in the place of another.

        Raises:
            InvalidRequest: a profile cannot have that name.
        """
        if not _NAME.fullmatch(name):
            raise InvalidRequest(f"{name!r} is no name of a profile: expected letters, digits, - and _", "NAME")
        return replace(self, named={**self.named, name: profile})

    def without(self, name: str) -> Self:
        """These but for one.

        Raises:
            RecordNotFound: there is none of that name.
        """
        self.get(name, "NAME")
        left = {other: profile for other, profile in self.named.items() if other != name}
        return replace(self, named=left, default=None if self.default == name else self.default)

    def save(self, path: Path) -> None:
        """Write the file, for this user alone to read, as a whole or not at all.

        Raises:
            InvalidRequest: it cannot be written.
        """
        beside = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(self._text())
            beside.replace(path)
        except OSError as error:
            raise InvalidRequest(f"cannot be written: {error.strerror}", str(path)) from error

    def _text(self) -> str:
        lines = ["# Connections of the synergos command; `synergos profile` reads and writes this file.", ""]
        if self.default is not None:
            lines += [f"default = {json.dumps(self.default)}", ""]
        for name, profile in self.named.items():
            lines += [
                f"[profile.{name}]",
                *(f"{key} = {json.dumps(value)}" for key, value in profile.to_dict().items()),
                "",
            ]
        return "\n".join(lines)


def profiles_file() -> Path:
    """Where the file is, or would be: in the folder that ``SYNERGOS_CONFIG`` names, else in the user's own."""
    return Path(os.environ.get(FOLDER_VARIABLE) or typer.get_app_dir("synergos")) / "profiles.toml"


def _file(value: object, at: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidRequest("expected the path of a file", at)
    return value


def _seconds(value: object, at: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidRequest(f"expected seconds, more than 0, got {value!r}", at)
    return float(value)
