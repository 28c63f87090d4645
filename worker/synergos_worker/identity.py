"""What a worker is called, and what each of its ports says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

from synergos.program.health import health


@dataclass(frozen=True)
class Identity:
    """One running worker.

    Attributes:
        component_id: its name, which others may have too.
        instance: tells it from all others.
    """

    component_id: str
    instance: str = field(default_factory=lambda: uuid4().hex)

    def health(
        self, interface: str, problems: Mapping[str, str] = MappingProxyType({}), **more: object
    ) -> dict[str, object]:
        """The answer of one of its ports to ``GET /health``."""
        return health("worker", self.component_id, problems, interface=interface, instance=self.instance, **more)
