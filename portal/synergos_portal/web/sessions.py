"""What is remembered of a browser: a signed cookie that no script can read, and that no other site can send."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from flask import Flask

COOKIE = "synergos_portal"
SECURED_COOKIE = f"__Host-{COOKIE}"
"""By https: browsers take it for all paths of this host alone, so no script sets one for some path that would be sent before it."""
HOURS = 12
_KEY = "session.key"
_BYTES = 32


def install(app: Flask, key: bytes, *, is_secured: bool) -> None:
    """Have an application sign its cookie with a key.

    Args:
        is_secured: browsers reach the portal by https, and the cookie is sent by nothing else.
    """
    app.secret_key = key
    app.config.update(
        SESSION_COOKIE_NAME=SECURED_COOKIE if is_secured else COOKIE,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=is_secured,
        PERMANENT_SESSION_LIFETIME=HOURS * 3600,
    )


def key_in(folder: Path) -> bytes:
    """The key for the three services, the same after a restart, in a folder that they share; made where there is none."""
    path = folder / _KEY
    made = folder / f"{_KEY}.{secrets.token_hex(8)}"
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
