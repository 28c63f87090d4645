"""What a worker is called, and what each of its ports says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

from synergos.identity.identity import Renewable
from synergos.program.health import health


@dataclass(frozen=True)
class Component:
    """One running worker.

    Attributes:
        component_id: its name, which others may have too.
        keys: what it proves to others who it is with.
        instance: tells it from all others.
        certificate: what it says of the one that its ports show; nothing where they speak plain HTTP.
    """

    component_id: str
    keys: Renewable
    instance: str = field(default_factory=lambda: uuid4().hex)
    certificate: Callable[[], Mapping[str, object]] = dict

    def health(
        self, interface: str, problems: Mapping[str, str] = MappingProxyType({}), **more: object
    ) -> dict[str, object]:
        """The answer of one of its ports to ``GET /health``."""
        told = {"interface": interface, "instance": self.instance, "fingerprint": self.keys.now.fingerprint}
        return health("worker", self.component_id, problems, **told, **self.certificate(), **more)
