"""What the portal is told when it starts, and never by a visitor: its flags, and what they mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from synergos.errors import InvalidRequest
from synergos.program.common_flags import common_parser
from synergos.program.flags import add_flag, default_folder, refusing, whole_number
from synergos.program.password_file import read_password
from synergos.program.program import ProgramSettings
from synergos.tls.files import TlsFiles
from synergos_portal.proxy import tool
from synergos_portal.proxy.tool import Login
from synergos_portal.services import FIRST_PORT, Place, Service


@dataclass(frozen=True)
class Tools:
    """Where the pages of other programs are that the station may show; None where there is none.

    Attributes:
        logs: Graylog's.
        queue_pages: RabbitMQ's.
        logins: what they are asked with by the portal, by the name of the tool; others ask whoever looks.
        authority: who vouches for them, by https; None for whom the system believes.
        may_change: whether the orchestrator's own pages in the station may change something.
    """

    mlops: str | None = None
    logs: str | None = None
    queue_pages: str | None = None
    logins: Mapping[str, Login] = field(default_factory=dict)
    authority: Path | None = None
    may_change: bool = False


@dataclass(frozen=True)
class Settings:
    """Everything the portal is told.

    Attributes:
        listening: the port of each service that this process is.
        places: where a browser is sent to for each service, be it of this process or not.
        orchestrators: the address of each by its name; the first is shown unless another is chosen.
        outputs: the folder of what has to outlive a restart: the key of sessions, and who is signed in.
        tls: whom to believe who is an orchestrator.
    """

    program: ProgramSettings
    listening: Mapping[Service, int]
    places: Mapping[Service, Place]
    orchestrators: Mapping[str, str]
    outputs: Path
    tls: TlsFiles | None = None
    tools: Tools = field(default_factory=Tools)


ALL = "all"
_BY_HTTPS = "https://"
NAMED = "orchestrator"
"""What an orchestrator is called that is given without a name."""
_TOOLS = {"mlops": ("mlops", "MLflow's"), "logs": ("logs", "Graylog's"), "queue_pages": ("queue", "RabbitMQ's")}
"""By the flag with the address of its pages, what the name of a program and its other flags begin with, and whose they are."""


def parser() -> argparse.ArgumentParser:
    """The flags of this program."""
    flags = common_parser("portal", "Web pages on which a federated cycle is run, watched and understood.")
    flags.set_defaults(port=FIRST_PORT)
    flags.add_argument(
        "service",
        nargs="?",
        choices=[ALL, *Service],
        default=ALL,
        help="nav: entry, home, search; view: lists, records, forms, jobs; track: the Command Station; "
        "without a word all three, at --port and the two ports after it",
    )
    add_flag(
        flags,
        "--orchestrator",
        nargs="+",
        default=["http://127.0.0.1:5000"],
        variable="SYNERGOS_ORCHESTRATOR",
        metavar="[NAME=]URL",
        help="a TTP or director whose grid is shown, the first unless another is chosen in the header",
    )
    add_tool_flags(flags)
    add_flag(
        flags,
        "--outputs",
        type=Path,
        default=default_folder("portal/outputs", "/portal/outputs"),
        help="folder of what outlives a restart: the key of sessions and who is signed in; one for all three services",
    )
    for service in Service:
        _add_place_flags(flags, service)
    return flags


def _add_place_flags(flags: argparse.ArgumentParser, service: Service) -> None:
    add_flag(
        flags,
        f"--{service}_host",
        variable=f"{service}_host".upper(),
        metavar="NAME",
        help=f"the name a browser is sent to for {service}, https://NAME where something before this program ends TLS; "
        "default: the one it has asked by",
    )
    add_flag(
        flags,
        f"--{service}_port",
        variable=f"{service}_port".upper(),
        type=whole_number(1, 65535),
        help=f"the port a browser is sent to for {service}; default: where it listens, 443 with https://",
    )


def listening_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> Mapping[Service, int]:
    """The port of each service that this process is; ends the program with a clear message where there is none."""
    if given.service != ALL:
        return {Service(given.service): given.port}
    if given.port + 2 > 65535:
        flags.error(f"argument --port: {given.port} leaves no room for the two ports after it; expected at most 65533")
    return {service: given.port + after for after, service in enumerate(Service)}


def places_of(
    flags: argparse.ArgumentParser, given: argparse.Namespace, listening: Mapping[Service, int]
) -> Mapping[Service, Place]:
    """Where a browser is sent to; ends the program with a clear message when that makes no sense."""
    places = {}
    for after, service in enumerate(Service):
        host, port = getattr(given, f"{service}_host"), getattr(given, f"{service}_port")
        is_secured = True if host is not None and host.startswith(_BY_HTTPS) else None
        name = None if host is None else host.removeprefix(_BY_HTTPS)
        if name is not None and not _is_host(name):
            flags.error(
                f"argument --{service}_host: expected a name or an address without a port, or https:// and one, got {host!r}"
            )
        usual = 443 if is_secured else listening.get(service, FIRST_PORT + after)
        places[service] = Place(port or usual, name, is_secured)
    plain = [service for service, place in places.items() if not place.is_secured]
    if plain and len(plain) < len(places):
        # A cookie of one would not be sent to the other.
        flags.error(f"argument --{plain[0]}_host: expected https:// and a name, as it is said of another service")
    return places


def orchestrators_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> Mapping[str, str]:
    """The address of each by its name; ends the program with a clear message when one makes no sense."""
    found: dict[str, str] = {}
    for said in given.orchestrator:
        name, address = _named(said)
        _check_address(flags, "--orchestrator", address)
        if name in found:
            flags.error(f"argument --orchestrator: {name!r} is there twice; expected a name of its own for each")
        found[name] = address.rstrip("/")
    if not found:
        flags.error("argument --orchestrator: expected the address of a TTP or director")
    return found


def tls_of(given: argparse.Namespace) -> TlsFiles | None:
    """Whom to believe who is an orchestrator; the files have been checked with the program's own."""
    return None if given.tls_ca is None else TlsFiles(given.tls_cert, given.tls_key, given.tls_ca)


def _named(said: str) -> tuple[str, str]:
    name, equals, address = said.partition("=")
    # An address may have one too, further behind.
    return (name, address) if equals and "/" not in name else (NAMED, said)


def _check_address(flags: argparse.ArgumentParser, flag: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_one = False
    if not is_one or parts.query or parts.fragment or any(not sign.isprintable() or sign == " " for sign in address):
        flags.error(f"argument {flag}: expected http://host:port or https://host:port, got {address!r}")


def _is_host(text: str) -> bool:
    return bool(text) and text.isascii() and all(sign.isalnum() or sign in ".-_[]:" for sign in text)


def add_tool_flags(flags: argparse.ArgumentParser) -> None:
    """Add those that say which programs' pages the station shows, and what those are asked with; :func:`tools_of` reads them."""
    for flag, (name, whose) in _TOOLS.items():
        add_flag(
            flags,
            f"--{flag}",
            variable=_variable(flag),
            metavar="URL",
            help=f"the address of {whose} pages, which the station shows",
        )
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
        for flag in _TOOLS:
            if (address := getattr(given, flag)) is not None:
                tool.Place.read(address, f"--{flag}")
        TlsFiles(authority=authority).client()
        logins = _logins(given)
    return Tools(
        given.mlops, given.logs, given.queue_pages, logins=logins, authority=authority, may_change=given.station_changes
    )


def _logins(given: argparse.Namespace) -> Mapping[str, tool.Login]:
    found = {}
    for flag, (name, _whose) in _TOOLS.items():
        user, file = getattr(given, f"{name}_user"), getattr(given, f"{name}_password_file")
        if user is None and file is None:
            continue
        if user is None or file is None or getattr(given, flag) is None:
            raise InvalidRequest(
                f"expected --{flag}, --{name}_user and --{name}_password_file together", f"--{name}_user"
            )
        if not user or ":" in user:
            raise InvalidRequest("expected a name without a colon", f"--{name}_user")
        found[name] = tool.Login(user, _password(file, f"--{name}_password_file"))
    return found


def _password(file: Path, flag: str) -> str:
    password = read_password(file, flag)
    if not password.isprintable():
        raise InvalidRequest("expected one line with the password", flag)
    return password


def _variable(flag: str) -> str:
    return f"SYNERGOS_{flag.upper()}"
