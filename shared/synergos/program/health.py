"""What every program says of itself at ``/health``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from types import MappingProxyType

OK, DEGRADED = "ok", "degraded"
# Looking it up reads a file of the installation: too much for each answer.
VERSION = version("synergos")


def health(
    component: str, component_id: str, problems: Mapping[str, str] = MappingProxyType({}), **more: object
) -> dict[str, object]:
    """The body of the answer.

    Args:
        component: which program it is: ``ttp``, ``director`` or ``worker``.
        problems: what keeps it from its work, and why; see :mod:`synergos.program.health_watch`.
        more: what only this program has to say.
    """
    return {
        "status": DEGRADED if problems else OK,
        **({"problems": dict(problems)} if problems else {}),
        "component": component,
        "id": component_id,
        "version": VERSION,
        # Clocks that differ show in logs that are compared, and in certificates.
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **more,
    }
