"""Which extra of this package brings what a program or a command needs; nothing heavier than the standard library is imported here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from synergos.errors import NotInstalled

EXTRAS: Mapping[str, str] = {
    "synergos_director": "director",
    "synergos_portal": "portal",
    "synergos_simulator": "simulator",
    "synergos_ttp": "ttp",
    "synergos_worker": "worker",
}
"""By import package, as pyproject.toml names them."""


def needed(missing: ImportError, extra: str) -> str:
    """What somebody is told who asks for something that is not installed.

    Args:
        missing: what could not be imported.
        extra: what brings it.
    """
    return f"needs {_not_installed(missing, extra)}"


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Import inside it what is not part of every installation.

    Raises:
        NotInstalled: it is not there; names the extra that brings it.
    """
    try:
        yield
    except ImportError as missing:
        if (missing.name or "").partition(".")[0] in {*EXTRAS, "synergos", "synmanager"}:
            raise  # a fault of this package, and no other would mend it
        raise NotInstalled(f"this takes {_not_installed(missing, extra)}") from missing


def _not_installed(missing: ImportError, extra: str) -> str:
    return f"{missing.name or 'a package'}, which is not installed: pip install 'synergos[{extra}]'"
