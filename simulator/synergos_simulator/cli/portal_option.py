"""The portal of a grid on this machine: an option of ``synergos grid up`` and ``synergos simulate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import FreePorts, Plan, Planned
from synergos_simulator.portal import WithPortal, showing_its_queue

PortalOption = Annotated[
    bool,
    typer.Option("--portal", help="Start the portal too, web pages for people, and say where they are."),
]


def with_portal(plan: Plan | ClusterPlan, more: Callable[[Planned], Planned]) -> WithPortal:
    """A plan with a portal before whatever else it is given.

    Args:
        more: adds what the portal shows as well.
    """
    shown, queue_pages = showing_its_queue(plan, FreePorts())
    folder = shown.broker_folder if isinstance(shown, ClusterPlan) else None
    return WithPortal(more(shown), queue_pages, folder)
