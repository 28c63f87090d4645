"""The orchestrators that the portal was told of when it started; a visitor chooses among them and can name no other."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.driver.tls import Tls
from synergos_portal.orchestrator.client import Orchestrator


class KnownOrchestrators:
    """By name, the first of them the one that is shown unless another is chosen."""

    def __init__(self, orchestrators: Mapping[str, Orchestrator]) -> None:
        self._by_name = dict(orchestrators)

    @classmethod
    def at(cls, addresses: Mapping[str, str], tls: Tls | None = None) -> KnownOrchestrators:
        """Those at these addresses, by name."""
        return cls({name: Orchestrator.at(name, address, tls) for name, address in addresses.items()})

    @property
    def names(self) -> list[str]:
        """Of all of them."""
        return list(self._by_name)

    def all(self) -> list[Orchestrator]:
        """All of them."""
        return list(self._by_name.values())

    def chosen(self, name: object) -> Orchestrator:
        """The one of this name, or the first where none has it."""
        if isinstance(name, str) and name in self._by_name:
            return self._by_name[name]
        return next(iter(self._by_name.values()))

    def close(self) -> None:
        """Let all connections go."""
        for orchestrator in self._by_name.values():
            orchestrator.close()
