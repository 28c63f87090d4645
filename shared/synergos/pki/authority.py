"""The authority of a consortium: it signs requests, renews, revokes, and writes down what it has signed.

Its folder has ``authority.key`` (its owner's alone), ``issued.jsonl``, and ``ca.pem``, which everybody is given: its certificate and
the list of what it has revoked (RFC 5280). RabbitMQ is given the list in a file of its own besides, ``<hash>.r0``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from synergos.domain.addresses import is_loopback
from synergos.errors import Conflict, InvalidRequest
from synergos.pki import certificates, pem
from synergos.pki.issued import Book, Issued
from synergos.pki.names import Names, host_of
from synergos.pki.revocation_list import Reason, name_of, revocation_list

KEY, BELIEVED = "authority.key", "ca.pem"
AUTHORITY_DAYS, CERTIFICATE_DAYS = 3650, 365


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Authority:
    """See the module.

    Attributes:
        folder: its own.
        now: the time of day, in UTC.
    """

    folder: Path
    key: pem.PrivateKey
    certificate: x509.Certificate
    now: Callable[[], datetime] = _now

    @classmethod
    def founded(
        cls, folder: Path, consortium: str, days: int = AUTHORITY_DAYS, now: Callable[[], datetime] = _now
    ) -> Self:
        """A new one.

        Raises:
            Conflict: there is one in that folder.
            InvalidRequest: the name or the days make no sense, or the folder cannot be written to.
        """
        if not consortium.strip() or len(consortium) > 64 or not consortium.isprintable():
            raise InvalidRequest("expected 1 to 64 characters", "name")
        if (folder / KEY).exists() or (folder / BELIEVED).exists():
            raise Conflict(f"there is an authority in {folder} already")
        key = pem.new_key()
        certificate = certificates.of_authority(consortium, key, certificates.period(now(), days))
        _private_folder(folder)
        authority = cls(folder, key, certificate, now)
        pem.write(folder / KEY, pem.pem_of(key), is_secret=True)
        authority._publish()
        return authority

    @classmethod
    def in_folder(cls, folder: Path, now: Callable[[], datetime] = _now) -> Self:
        """The one that was founded there.

        Raises:
            InvalidRequest: there is none, or it is damaged.
        """
        if not (folder / KEY).is_file():
            raise InvalidRequest(f"there is no authority in {folder}: expected {KEY}, as `synergos pki init` makes it")
        key = pem.private_key(folder / KEY)
        certificate = pem.certificate(pem.read(folder / BELIEVED), folder / BELIEVED)
        if certificate.public_key() != key.public_key():
            raise InvalidRequest(f"{folder / BELIEVED} is not of the authority whose key is in {folder / KEY}")
        return cls(folder, key, certificate, now)

    @property
    def believed(self) -> Path:
        """The file that everybody is given."""
        return self.folder / BELIEVED

    @property
    def listed(self) -> Path:
        """The list alone, by the name that RabbitMQ looks for in the folder that it is told."""
        return self.folder / name_of(self.certificate.subject)

    @property
    def issued(self) -> Book:
        """What it has signed."""
        return Book(self.folder)

    def issue(
        self,
        request: x509.CertificateSigningRequest,
        days: int = CERTIFICATE_DAYS,
        *,
        replaces: bool = False,
        hosts: Collection[str] = (),
    ) -> Issued:
        """Sign a request.

        Args:
            replaces: whether a certificate of the same name with another key may hold meanwhile.
            hosts: those of the request's that it may have though another name has them, or this name had not before.

        Raises:
            InvalidRequest: what it asks for is not given, or the authority itself ends before.
            Conflict: somebody else has that name or one of the hosts, or the name had fewer hosts.
        """
        names = Names.of(request.subject, request.extensions)
        key = pem.strong(request.public_key())
        if key is None:
            raise InvalidRequest("expected a request of a strong key", "request")
        granted = {host_of(host) for host in hosts}
        if granted - set(names.hosts):
            raise InvalidRequest(f"{min(granted - set(names.hosts))} is none of those that are asked for", "host")
        with self._alone():
            others = [
                each
                for each in self.issued.of(names.name)
                if each.holds(self.now()) and each.key != pem.fingerprint(key)
            ]
            if others and not replaces:
                raise Conflict(
                    f"{names.name} has a certificate with another key, {others[-1].serial}: revoke that, or say that this one"
                    " comes in its place (--replace)"
                )
            self._check_hosts(names, granted)
            return self._sign(names, key, days)

    def renew(self, name: str, days: int = CERTIFICATE_DAYS) -> Issued:
        """A certificate for the same name, hosts and key as the newest one that was not revoked.

        Raises:
            InvalidRequest: there is none.
            Conflict: it is over, and somebody else has one of the hosts.
        """
        with self._alone():
            known = [each for each in self.issued.of(name) if each.revoked is None]
            if not known:
                raise InvalidRequest(f"there is no certificate of {name[:80]!r} to renew", "name")
            before = pem.certificate(known[-1].certificate.encode(), "what was issued")
            key = pem.strong(before.public_key())
            if key is None:
                raise InvalidRequest(f"the key of {name} is too weak", "name")
            names = Names.of(before.subject, before.extensions)
            if not known[-1].holds(self.now()):
                self._check_hosts(names, frozenset())
            return self._sign(names, key, days)

    def revoke(self, said: str, reason: Reason = Reason.UNSPECIFIED) -> Sequence[Issued]:
        """Take certificates back, by serial number or all that hold of a name; those who have the new ``ca.pem`` believe them no more.

        What was interrupted can be said again: the list is written whether or not anything is revoked by that.

        Raises:
            InvalidRequest: there are none.
        """
        with self._alone():
            found = self.issued.meant(said, self.now())
            when = self.now().isoformat()
            revoked = [each if each.revoked else replace(each, revoked=when, reason=reason.value) for each in found]
            self.issued.add(after for before, after in zip(found, revoked, strict=True) if after != before)
            self._publish()
            return revoked

    def complete(self) -> None:
        """Write what an interrupted command, or an earlier release, has left out of the files that others are given.

        Raises:
            InvalidRequest: they cannot be written.
        """
        with self._alone():
            pass

    def _check_hosts(self, names: Names, granted: Collection[str]) -> None:
        """See that nobody gets another's host: who connects by that would take the one for the other."""
        holding = [each for each in self.issued if each.holds(self.now())]
        own = {host for each in holding if each.name == names.name for host in each.hosts}
        # Loopback is each machine's own, and nobody's.
        for host in (each for each in names.hosts if each not in granted and not is_loopback(each)):
            holder = next((each.name for each in holding if each.name != names.name and host in each.hosts), None)
            if holder is not None and host not in own:
                raise Conflict(
                    f"{host} is {holder}'s by a certificate that holds: revoke that, or say that {names.name} has it too (--host {host})"
                )
            if own and host not in own:
                raise Conflict(
                    f"{names.name} has no certificate for {host} yet, but for {', '.join(sorted(own))}: say that it may have one"
                    f" (--host {host})"
                )

    def _sign(self, names: Names, key: pem.PublicKey, days: int) -> Issued:
        now = self.now()
        holds = certificates.period(now, days)
        if holds[1] > self.certificate.not_valid_after_utc:
            raise InvalidRequest(
                f"the authority itself ends on {self.certificate.not_valid_after_utc:%Y-%m-%d}", "days"
            )
        signed = certificates.of_program(names, key, holds, self.certificate.subject, self.key)
        issued = Issued(
            serial=f"{signed.serial_number:x}",
            name=names.name,
            hosts=names.hosts,
            uses=tuple(use.value for use in names.uses),
            key=pem.fingerprint(key),
            begins=now.isoformat(),
            ends=holds[1].isoformat(),
            certificate=signed.public_bytes(serialization.Encoding.PEM).decode(),
        )
        self.issued.add([issued])
        return issued

    def _publish(self) -> None:
        """Write the files that others are given. The list in it is never out of date: who has an old one is not stopped by that."""
        holds = self.now() - certificates.BEFORE, self.certificate.not_valid_after_utc
        listed = revocation_list(self.issued, holds, self.certificate.subject, self.key)
        own, text = (each.public_bytes(serialization.Encoding.PEM) for each in (self.certificate, listed))
        # What everybody is given comes last: an interruption is seen by that, and made good.
        pem.write(self.listed, text)
        pem.write(self.believed, own + text)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time: none writes over what another has revoked. What an interrupted one left out is written first."""
        with (self.folder / KEY).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not self._lists_all():
                self._publish()
            yield

    def _lists_all(self) -> bool:
        """Whether everybody is told of all that was revoked, and RabbitMQ too."""
        try:
            listed = x509.load_pem_x509_crl(pem.read(self.believed))
        except ValueError:
            return False
        if not self.listed.exists():
            return False
        return {int(each.serial, 16) for each in self.issued if each.revoked} <= {each.serial_number for each in listed}


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise InvalidRequest(f"{folder} cannot be written to")
