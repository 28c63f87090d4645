"""The key that sessions are signed with: one for the three services, and the same after a restart."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_NAME = "session.key"
_BYTES = 32


def key_in(folder: Path) -> bytes:
    """The key in a folder that services share; made where there is none."""
    path = folder / _NAME
    made = folder / f"{_NAME}.{secrets.token_hex(8)}"
    if not path.is_file():
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        # A link is made by one of those who start at the same time, and no file is ever seen half written.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    key = path.read_bytes()
    if len(key) < _BYTES:
        raise ValueError(f"{path}: not a key of sessions; remove it, and one is made")
    return key
