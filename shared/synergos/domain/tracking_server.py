"""The MLflow server that a collaboration names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from synergos.domain.addresses import is_address, plain
from synergos.domain.records import Record


@dataclass(frozen=True)
class TrackingServer:
    """Where it is.

    Attributes:
        host: as it was declared: a name, an address, or anything else.
        is_secure: whether it is spoken to by TLS.
    """

    host: str
    port: int
    is_secure: bool = False

    @classmethod
    def of(cls, collaboration: Record) -> Self | None:
        """What a collaboration's record says; None where it names none."""
        service = collaboration.get("mlops") or {}
        host, port = service.get("host"), (service.get("ports") or {}).get("main")
        # The driver writes port 0 for "there is none".
        return cls(host, port, bool(service.get("secure"))) if host and port else None

    @property
    def url(self) -> str:
        """As its clients are told."""
        host = f"[{plain(self.host)}]" if ":" in self.host and is_address(self.host) else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}"


def registers_models(collaboration: Record) -> bool:
    """Whether a collaboration wants its trained models in MLflow's registry."""
    return bool((collaboration.get("mlops") or {}).get("register"))
