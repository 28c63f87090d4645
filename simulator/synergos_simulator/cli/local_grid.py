"""The local grid that was started in this folder, as the other commands find it."""

from __future__ import annotations

from pathlib import Path

from synergos.errors import RecordNotFound
from synergos_simulator.state import GridState

DEFAULT_FOLDER = Path("synergos-run/grid")


def local_orchestrator() -> tuple[str, str | None] | None:
    """The address of its TTP or director, and the file of who vouches for it, by TLS; None when there is none, or it does not run."""
    try:
        state = GridState.load(DEFAULT_FOLDER)
    except RecordNotFound:
        return None
    running = (program for program in state.programs if program.is_running)
    found = next((program for program in running if program.name in {"ttp", "director"}), None)
    return None if found is None else (found.address, found.tls[0] if found.tls else None)
