"""Which extra of this package brings what a program or a command needs; nothing heavier than the standard library is imported here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from synergos.errors import InvalidRequest

EXTRAS: Mapping[str, str] = {
    "synergos_director": "director",
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
    return f"needs {missing.name or 'a package'}, which is not installed: pip install 'synergos[{extra}]'"


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Import inside it what a command needs beyond the driver.

    Raises:
        InvalidRequest: it is not installed; names the extra.
    """
    try:
        yield
    except ImportError as missing:
        raise InvalidRequest(needed(missing, extra)) from missing
