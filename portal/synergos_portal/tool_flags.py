"""The flags that say which programs' pages the station shows, and what those are asked with."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag
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
        variable = _variable(flag)
        add_flag(
            flags,
            f"--{flag}",
            default=os.environ.get(variable) or None,
            metavar="URL",
            help=f"the address of {whose} pages, which the station shows; also {variable}",
        )
        name = _NAMES[flag]
        add_flag(
            flags,
            f"--{name}_user",
            default=os.environ.get(_variable(f"{name}_user")) or None,
            metavar="NAME",
            help=f"whom {whose} pages are asked for as, on behalf of whoever looks at the station; default: whoever signs in there; "
            f"also {_variable(f'{name}_user')}",
        )
        add_flag(
            flags,
            f"--{name}_password_file",
            type=Path,
            default=os.environ.get(_variable(f"{name}_password_file")) or None,
            metavar="FILE",
            help=f"the password of that user; also {_variable(f'{name}_password_file')}",
        )
    add_flag(
        flags,
        "--tools_ca",
        type=Path,
        default=os.environ.get("SYNERGOS_TOOLS_CA") or None,
        metavar="FILE",
        help="who vouches for those programs, by https; default: --tls_ca, else the system's; also SYNERGOS_TOOLS_CA",
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
    try:
        for flag in _PAGES:
            if (address := getattr(given, flag)) is not None:
                Place.read(address, f"--{flag}")
        TlsFiles(authority=authority).client()
        logins = _logins(given)
    except InvalidRequest as error:
        flags.error(str(error))
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
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"cannot be read ({type(error).__name__})", flag) from None
    if not password or not password.isprintable():
        raise InvalidRequest("expected one line with the password", flag)
    return password


def _variable(flag: str) -> str:
    return f"SYNERGOS_{flag.upper()}"
