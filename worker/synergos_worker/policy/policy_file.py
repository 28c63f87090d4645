"""``policy.toml``: read once, when the worker starts, and believed as a whole or not at all."""

from __future__ import annotations

import tomllib
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos_worker.policy.limits import LIMITS, OwnerLimits

_LARGEST = 2**16


def read_policy(path: Path) -> OwnerLimits:
    """The limits that a file sets, with the usual ones for what it does not say.

    Raises:
        InvalidRequest: it cannot be read, is no TOML, or has a limit that there is not or that cannot be so; names file and limit.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"cannot be read: {error.strerror}", str(path)) from None
    if len(content) > _LARGEST:
        raise InvalidRequest(f"expected at most {_LARGEST} bytes", str(path))
    try:
        found = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"is not TOML: {error}", str(path)) from None
    try:
        return LIMITS.read(found)
    except InvalidRequest as error:
        raise InvalidRequest(str(error), str(path)) from None
