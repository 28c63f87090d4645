"""The portal of a grid on this machine: its three services, beside whatever the grid has to show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synergos_simulator.broker import HOST, access
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Plan, is_free
from synergos_simulator.mlops import NAME as MLOPS
from synergos_simulator.more_programs import MorePrograms
from synergos_simulator.state import Program

NAME = "portal"
FIRST_PORT = 4000
"""Of its three services, one after the other, where nobody listens there yet."""
_ORCHESTRATORS = ("ttp", "director")
_SERVICES = 3
_NEARBY = 90
"""Ports that are looked at before any others, so that the portal is where somebody would look for it."""
_STOPS = 3
"""Before what it asks."""


@dataclass(frozen=True)
class WithPortal(MorePrograms):
    """A grid, and pages for people.

    Attributes:
        queue_pages: the port of its broker's pages; 0 where there are none.
        queue_folder: the folder of that broker.
    """

    queue_pages: int = 0
    queue_folder: Path | None = None

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them: the portal last."""
        others = self.plan.programs(free_port)
        return [*others, self._portal(others, first_of_three(free_port))]

    def _portal(self, others: Sequence[Program], port: int) -> Program:
        by_name = {program.name: program for program in others}
        orchestrator = next(by_name[name] for name in _ORCHESTRATORS if name in by_name)
        flags = ["--id", NAME, "--host", HOST, "--port", str(port), "--orchestrator", orchestrator.address]
        flags += ["--outputs", str(self.folder / NAME / "outputs")]
        # Whom to believe, and what to show if the orchestrator asks for that: pages themselves are for this machine alone.
        flags += ["--tls_ca", orchestrator.tls[0]] if orchestrator.tls else []
        flags += ["--mlops", by_name[MLOPS].address] if MLOPS in by_name else []
        if self.queue_pages and self.queue_folder is not None:
            user, password_file = access(self.queue_folder)
            flags += ["--queue_pages", f"http://{HOST}:{self.queue_pages}"]
            flags += ["--queue_user", user, "--queue_password_file", str(password_file)]
        command = [sys.executable, "-m", "synergos_portal", *flags]
        return Program(NAME, command, str(self.folder / "logs" / f"{NAME}.log"), HOST, port, stops=_STOPS)


def showing_its_queue(plan: Plan | ClusterPlan, free_port: Callable[[], int]) -> tuple[Plan | ClusterPlan, int]:
    """A plan whose broker, if it has one, shows its pages, and their port."""
    if not isinstance(plan, ClusterPlan):
        return plan, 0
    port = free_port()
    return replace(plan, queue_pages=port), port


def first_of_three(free_port: Callable[[], int], usual: int | None = FIRST_PORT) -> int:
    """A port that nobody listens on, as nobody does on the two after it: the usual one, or the next three, or else any."""
    # Another grid's portal may be at the usual ones, be it of processes or of containers.
    for port in () if usual is None else range(usual, usual + _NEARBY, _SERVICES):
        if _are_free(port):
            return port
    while not _are_free(port := free_port()):
        pass
    return port


def _are_free(first: int) -> bool:
    return all(is_free(first + after) for after in range(_SERVICES))
