"""A consortium of programs on one machine: an authority and a certificate for each, made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synergos.pki import pem
from synergos.pki.authority import KEY, Authority
from synergos.pki.names import Names
from synergos.pki.site import make_request

HOSTS = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class LocalConsortium:
    """Everything lies in one folder, which is no way to do it where sites do not trust each other: there keys stay at their sites.

    Attributes:
        folder: of the authority; each program has one below it.
        hosts: at which programs are found.
    """

    folder: Path
    hosts: Sequence[str] = HOSTS

    @property
    def authority(self) -> Authority:
        """The authority, which is founded if need be."""
        if (self.folder / KEY).exists():
            return Authority.in_folder(self.folder)
        return Authority.founded(self.folder, "A grid on this machine")

    def files(self, name: str) -> tuple[Path, Path, Path]:
        """The certificate of a program, its key, and who vouches for it."""
        authority, home = self.authority, self.folder / name
        key, request, _ = make_request(home, Names.checked(name, self.hosts))
        # They are programs of one machine: each is found where the others are.
        issued = authority.issue(pem.request(request), hosts=self.hosts)
        certificate = home / f"{name}.pem"
        pem.write(certificate, issued.certificate.encode())
        return certificate, key, authority.believed

    def flags(self, name: str) -> list[str]:
        """The same as a program is told."""
        flags = ("--tls_cert", "--tls_key", "--tls_ca")
        return [part for pair in zip(flags, map(str, self.files(name)), strict=True) for part in pair]
