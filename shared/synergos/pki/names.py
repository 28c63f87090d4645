"""Whom a certificate is for: a name in the consortium's lists, the hosts it is found at, and what it may do with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from synergos.errors import InvalidRequest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LONGEST_HOST = 253
_MOST_HOSTS = 100


class Use(StrEnum):
    """What whoever has a certificate may do with it."""

    SERVER = "server"
    CLIENT = "client"


_USES = {Use.SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Use.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}
BOTH = (Use.SERVER, Use.CLIENT)
"""Our programs listen and connect with one certificate."""


@dataclass(frozen=True)
class Names:
    """See the module.

    Attributes:
        name: of the program or person, as the authority lists it.
        hosts: names and addresses that others connect to; none for who only connects.
    """

    name: str
    hosts: tuple[str, ...] = ()
    uses: tuple[Use, ...] = BOTH

    @classmethod
    def checked(cls, name: str, hosts: Sequence[str], uses: Sequence[Use] = BOTH) -> Self:
        """Those that somebody asks for.

        Raises:
            InvalidRequest: names the one that cannot be.
        """
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"{name[:80]!r} is no name: expected 1 to 64 letters, digits, '.', '-' and '_'", "name"
            )
        if len(hosts) > _MOST_HOSTS:
            raise InvalidRequest(f"expected {_MOST_HOSTS} hosts at most, got {len(hosts)}", "host")
        if not uses:
            raise InvalidRequest("expected server, client or both", "use")
        if Use.SERVER in uses and not hosts:
            raise InvalidRequest("expected the names and addresses by which others connect to it", "host")
        return cls(name, tuple(dict.fromkeys(host_of(host) for host in hosts)), tuple(uses))

    @classmethod
    def of(cls, subject: x509.Name, extensions: x509.Extensions) -> Self:
        """Those in a request or a certificate.

        Raises:
            InvalidRequest: it asks for others than there are here.
        """
        common = [str(found.value) for found in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if len(common) != 1:
            raise InvalidRequest("expected one common name (CN)", "name")
        return cls.checked(common[0], _hosts_of(extensions), _uses_of(extensions))

    @property
    def subject_alternatives(self) -> x509.SubjectAlternativeName | None:
        """The hosts as a certificate has them."""
        if not self.hosts:
            return None
        return x509.SubjectAlternativeName([_general(host) for host in self.hosts])

    @property
    def extended_key_usage(self) -> x509.ExtendedKeyUsage:
        """The uses as a certificate has them."""
        return x509.ExtendedKeyUsage([_USES[use] for use in self.uses])

    def subject(self, *organisation: x509.NameAttribute[str]) -> x509.Name:
        """The name as a certificate has it."""
        return x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, self.name)])


def host_of(host: str) -> str:
    """A host as certificates have it.

    Raises:
        InvalidRequest: it is none.
    """
    text = host.strip().strip("[]")
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    try:
        name = text.rstrip(".").encode("idna").decode().lower() if not text.isascii() else text.rstrip(".").lower()
    except UnicodeError:
        name = ""
    is_number = name.rpartition(".")[2].isdecimal()
    if name and len(name) <= _LONGEST_HOST and not is_number and all(map(_LABEL.fullmatch, name.split("."))):
        return name
    raise InvalidRequest(f"{host[:80]!r} is no host: expected a name or an address, no port and no '*'", "host")


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts_of(extensions: x509.Extensions) -> list[str]:
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    hosts = []
    for name in found:
        if not isinstance(name, x509.DNSName | x509.IPAddress):
            raise InvalidRequest(f"asks for a {type(name).__name__}: expected names and addresses of hosts", "host")
        hosts.append(str(name.value))
    return hosts


def _uses_of(extensions: x509.Extensions) -> list[Use]:
    try:
        found = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return list(BOTH)
    known = {identifier: use for use, identifier in _USES.items()}
    strange = [identifier.dotted_string for identifier in found if identifier not in known]
    if strange:
        raise InvalidRequest(f"asks for another use, {strange[0]}: expected server, client or both", "use")
    return [use for use in Use if _USES[use] in list(found)]
