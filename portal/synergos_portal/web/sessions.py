"""What is remembered of a browser: a signed cookie that no script can read, and that no other site can send."""

from __future__ import annotations

from flask import Flask

COOKIE = "synergos_portal"
SECURED_COOKIE = f"__Host-{COOKIE}"
"""By https: browsers take it for all paths of this host alone, so no script sets one for some path that would be sent before it."""
HOURS = 12


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
