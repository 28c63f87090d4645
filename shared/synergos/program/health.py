"""What every program says of itself at ``/health``."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version


def health(component: str, component_id: str, **more: object) -> dict[str, object]:
    """The body of the answer.

    Args:
        component: which program it is: ``ttp``, ``director`` or ``worker``.
        more: what only this program has to say.
    """
    return {
        "status": "ok",
        "component": component,
        "id": component_id,
        "version": version("synergos"),
        # Clocks that differ show in logs that are compared, and in certificates.
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **more,
    }
