"""The way from this machine to a port of one of our programs: its name, the port, TLS, what answers, clock and version."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from urllib.request import getproxies, proxy_bypass

from synergos.doctor.finding import Broken, Finding, State
from synergos.domain.reachability import Answered
from synergos.domain.release import agreed
from synergos.driver.tls import Tls
from synergos.errors import InvalidRequest, NotSupported
from synergos.tls.handshake_errors import reason_of

SECONDS = 3.0
CLOCK_SECONDS = 5.0
"""A difference of clocks that is worth a word."""
_LARGEST_HEALTH = 2**16
_CERTIFICATE_DAYS = 14
_HINTS = {
    errno.ECONNREFUSED: "nobody listens there: is the program running, and does it listen on this address and not on another one (--host)?",
    errno.EHOSTUNREACH: "there is no way to that machine: is it on, and is the VPN up?",
    errno.ENETUNREACH: "there is no way to that network: is the VPN up?",
    errno.EACCES: "this machine does not let it out: its firewall refuses",
    errno.EPERM: "this machine does not let it out: its firewall refuses",
}


@dataclass(frozen=True)
class End:
    """Where a line ends.

    Attributes:
        line: from where to where, in words.
        hop: the port, in words.
        tls: whom to believe there, and what to show; None for whom this machine believes, or ``REQUESTS_CA_BUNDLE`` names.
    """

    line: str
    hop: str
    host: str
    port: int
    is_secured: bool = False
    tls: Tls | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def connection(self) -> http.client.HTTPConnection:
        """A connection, not yet made."""
        if self.is_secured:
            return http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=self.context())
        return http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)

    def context(self) -> ssl.SSLContext:
        """With which TLS is spoken.

        Raises:
            OSError, InvalidRequest: a file cannot be used.
        """
        if self.tls is not None and self.tls.authority is not None:
            return self.tls.context()
        context = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE") or None)
        if self.tls is not None and self.tls.certificate is not None:
            context.load_cert_chain(self.tls.certificate, self.tls.key)
        return context

    def said(self, state: State, said: str, hop: str | None = None) -> Finding:
        """A finding at this end."""
        return Finding(self.line, hop or self.hop, state, said)

    def broken(self, said: str, hop: str | None = None) -> Broken:
        """The end of a look at it."""
        return Broken(self.said(State.FAILED, said, hop))


@dataclass
class Examined:
    """What a look along a line came to.

    Attributes:
        answered: what answers at the end; None where the line does not hold.
    """

    findings: list[Finding] = field(default_factory=list)
    answered: Answered | None = None


def examine(end: End) -> Examined:
    """Look at one hop after the other, as far as they hold."""
    found = Examined()
    try:
        found.findings += _proxy(end)
        found.findings += _name(end)
        _reach(end)
        if end.is_secured:
            found.findings.append(_tls(end))
        found.answered, begun, seconds = _health(end)
        told = f"{found.answered.component or 'a program of ours'} {found.answered.component_id or ''}".strip()
        found.findings.append(end.said(State.FINE, f"{told} answers at {end.address} in {1000 * seconds:.0f} ms"))
        if user := found.answered.queue_user:
            found.findings.append(end.said(State.FINE, f"its queue lets it in as {user}", "queue"))
        if unwell := found.answered.unwell:
            found.findings.append(end.said(State.FAILED, f"{told} {unwell}", "health"))
        found.findings += _clock(end, found.answered, begun, seconds)
        found.findings += versions(end, found.answered.version)
    except Broken as broken:
        found.findings.append(broken.finding)
    return found


def versions(end: End, theirs: str | None, mine: str = "this machine", own: str | None = None) -> Iterator[Finding]:
    """Whether the two ends speak with each other, by their versions."""
    own = own or version("synergos")
    if theirs is None:
        return
    try:
        agreed(own, mine, theirs, f"the program at {end.address}")
    except NotSupported as error:
        yield end.said(State.FAILED, str(error), "version")
    else:
        differs = f"; {mine} is {own}" if theirs != own else ""
        yield end.said(State.NOTE if differs else State.FINE, f"Synergos {theirs}{differs}", "version")


def clock(end: End, difference: float, whose: str = "this machine's") -> Finding:
    """What a difference of clocks means.

    Args:
        difference: seconds that the other end's clock is ahead.
    """
    if abs(difference) < CLOCK_SECONDS:
        return end.said(State.FINE, f"within {max(abs(difference), 0.1):.1f} s of {whose}", "clock")
    which = "ahead of" if difference > 0 else "behind"
    text = (
        f"{abs(difference):.0f} s {which} {whose}: logs cannot be compared, and certificates may not hold; set up NTP"
    )
    return end.said(State.NOTE, text, "clock")


def is_here(host: str) -> bool:
    """Whether a host is this machine: one of its addresses can be listened on."""
    for family, address in _addresses(host):
        with closing(socket.socket(family, socket.SOCK_STREAM)) as listening:
            try:
                listening.bind((address, 0))
            except OSError:
                continue
            return True
    return False


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _proxy(end: End) -> Iterator[Finding]:
    proxy = getproxies().get("https" if end.is_secured else "http")
    if proxy and not is_here(end.host) and not proxy_bypass(end.host):
        yield end.said(
            State.NOTE,
            f"the environment names a proxy for {end.host}, which the driver goes by; set no_proxy otherwise",
            "proxy",
        )


def _name(end: End) -> Iterator[Finding]:
    try:
        ipaddress.ip_address(end.host)
    except ValueError:
        pass
    else:
        return
    try:
        found = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a host"
        said = f"the name {end.host} is not known here ({reason}): look at its spelling, DNS and /etc/hosts"
        raise end.broken(said, "name") from None
    addresses = ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))
    yield end.said(State.FINE, f"{end.host} is {addresses}", "name")


def _reach(end: End) -> None:
    try:
        socket.create_connection((end.host, end.port), timeout=SECONDS).close()
    except TimeoutError:
        said = f"{end.address} does not answer within {SECONDS:.0f} s: a firewall drops it on the way, or the machine is off"
        raise end.broken(said) from None
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        reason = error.strerror or type(error).__name__
        raise end.broken(f"{end.address} cannot be reached ({reason}){f': {hint}' if hint else ''}") from None


def _tls(end: End) -> Finding:
    try:
        context = end.context()
    except InvalidRequest as error:
        raise end.broken(str(error), "TLS") from None
    except OSError as error:
        raise end.broken(f"REQUESTS_CA_BUNDLE cannot be read ({error.strerror or error})", "TLS") from None
    try:
        with (
            socket.create_connection((end.host, end.port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=end.host) as secured,
        ):
            certificate = secured.getpeercert() or {}
            spoken = secured.version()
    except ssl.SSLCertVerificationError as error:
        named = "SYNERGOS_TLS_CA and REQUESTS_CA_BUNDLE name other authorities"
        said = f"the certificate of {end.address} does not hold: {error.verify_message}; {named}"
        raise end.broken(said, "TLS") from None
    except ssl.SSLError as error:
        said = f"{end.address} does not speak TLS as this machine does ({error.reason}): is it plain HTTP, http://?"
        raise end.broken(said, "TLS") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise end.broken(
            f"{end.address} broke off the TLS handshake ({reason}): is it plain HTTP, http://?", "TLS"
        ) from None
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    is_near = ends - datetime.now(UTC) < timedelta(days=_CERTIFICATE_DAYS)
    return end.said(
        State.NOTE if is_near else State.FINE, f"{spoken}, with a certificate that holds until {ends:%Y-%m-%d}", "TLS"
    )


def _health(end: End) -> tuple[Answered, datetime, float]:
    """What answers, when it was asked, and the seconds that took."""
    asked_at, begun = datetime.now(UTC), time.monotonic()
    with closing(end.connection()) as connection:
        try:
            connection.request("GET", "/health", headers={"Accept": "application/json"})
            content = connection.getresponse().read(_LARGEST_HEALTH)
        except TimeoutError:
            raise end.broken(f"{end.address} takes connections and says nothing for {SECONDS:.0f} s") from None
        except (OSError, http.client.HTTPException) as error:
            if (tls := reason_of(error)) is not None:
                raise end.broken(f"{end.address}: {tls}", "TLS") from None
            hint = "" if end.is_secured else "; does it speak TLS, https://?"
            raise end.broken(f"what answers at {end.address} speaks no HTTP ({type(error).__name__}){hint}") from None
    found = Answered.read(content)
    if not found.is_ours:
        raise end.broken(f"what answers at {end.address} is no program of Synergos: look at host and port")
    return found, asked_at, time.monotonic() - begun


def _clock(end: End, found: Answered, asked_at: datetime, seconds: float) -> Iterator[Finding]:
    try:
        theirs = None if found.time is None else datetime.fromisoformat(found.time)
    except ValueError:
        theirs = None
    if theirs is not None and theirs.tzinfo is not None:
        yield clock(end, (theirs - asked_at).total_seconds() - seconds / 2)
