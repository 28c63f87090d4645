"""The flags that say which programs' pages the station shows, and what those are asked with."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag, refusing
from synergos.program.password_file import read_password
from synergos.tls.files import TlsFiles
from synergos_portal.proxy.tool import Login, Place
from synergos_portal.settings import Tools

_PAGES = {
    "mlops": "MLflow's",
    "logs": "Graylog's",
    "queue_pages": "RabbitMQ's",
}
_NAMES = {"mlops": "mlops", "logs": "logs", "queue_pages": "queue"}


def add_tool_flags(flags: argparse.ArgumentParser) -> None:
    """Add them; :func:`tools_of` reads them."""
    for flag, whose in _PAGES.items():
        add_flag(
            flags,
            f"--{flag}",
            variable=_variable(flag),
            metavar="URL",
            help=f"the address of {whose} pages, which the station shows",
        )
        name = _NAMES[flag]
        add_flag(
            flags,
            f"--{name}_user",
            variable=_variable(f"{name}_user"),
            metavar="NAME",
            help=f"whom {whose} pages are asked for as, on behalf of whoever looks at the station; default: whoever signs in there",
        )
        add_flag(
            flags,
            f"--{name}_password_file",
            type=Path,
            variable=_variable(f"{name}_password_file"),
            metavar="FILE",
            help="the password of that user",
        )
    add_flag(
        flags,
        "--tools_ca",
        type=Path,
        variable="SYNERGOS_TOOLS_CA",
        metavar="FILE",
        help="who vouches for those programs, by https; default: --tls_ca, else the system's",
    )
    add_flag(
        flags,
        "--station_changes",
        action="store_true",
        default=os.environ.get("SYNERGOS_STATION_CHANGES", "").lower() in ("1", "on", "true", "yes"),
        help="let the orchestrator's own pages (Swagger) in the station change something: scripts of the other programs' pages may then, too; "
        "also SYNERGOS_STATION_CHANGES=on",
    )


def tools_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> Tools:
    """Which pages of other programs there are; ends the program with a clear message when something makes no sense."""
    authority: Path | None = given.tools_ca or given.tls_ca
    with refusing(flags):
        for flag in _PAGES:
            if (address := getattr(given, flag)) is not None:
                Place.read(address, f"--{flag}")
        TlsFiles(authority=authority).client()
        logins = _logins(given)
    return Tools(
        given.mlops, given.logs, given.queue_pages, logins=logins, authority=authority, may_change=given.station_changes
    )


def _logins(given: argparse.Namespace) -> Mapping[str, Login]:
    found = {}
    for flag, name in _NAMES.items():
        user, file = getattr(given, f"{name}_user"), getattr(given, f"{name}_password_file")
        if user is None and file is None:
            continue
        if user is None or file is None or getattr(given, flag) is None:
            raise InvalidRequest(
                f"expected --{flag}, --{name}_user and --{name}_password_file together", f"--{name}_user"
            )
        if not user or ":" in user:
            raise InvalidRequest("expected a name without a colon", f"--{name}_user")
        found[name] = Login(user, _password(file, f"--{name}_password_file"))
    return found


def _password(file: Path, flag: str) -> str:
    password = read_password(file, flag)
    if not password.isprintable():
        raise InvalidRequest("expected one line with the password", flag)
    return password


def _variable(flag: str) -> str:
    return f"SYNERGOS_{flag.upper()}"
