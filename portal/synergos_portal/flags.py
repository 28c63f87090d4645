"""The flags of ``synergos-portal``, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from synergos.program.common_flags import common_parser
from synergos.program.flags import add_flag, default_folder, whole_number
from synergos.tls.files import TlsFiles
from synergos_portal.services import FIRST_PORT, Place, Service
from synergos_portal.tool_flags import add_tool_flags

ALL = "all"
_BY_HTTPS = "https://"
NAMED = "orchestrator"
"""What an orchestrator is called that is given without a name."""


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
