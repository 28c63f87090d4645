"""Bodies of JSON whose values take much memory: one of them is read at a time in a program, and what it took goes back to the system.

The turn is the request's until it was checked what the values say; at the latest until it is answered, or waits for something.
"""

from __future__ import annotations

import threading

from flask import Flask, g, has_app_context
from werkzeug.exceptions import ServiceUnavailable

from synergos.program.freed_memory import give_back
from synergos.program.patience import RETRY_SECONDS
from synergos.schema.json_text import memory_of

_HEAVY = 2**22
"""Bytes from which on values are heavy: so many threads as a program has may read lighter ones at a time."""
_PATIENCE = 10.0
"""Seconds for which a turn is waited for; reading one takes less than one."""

_TURN = threading.Lock()
"""Taken by a request's thread, and released by it."""
_HAS_TURN = "synergos_heavy_body"


def install(app: Flask) -> None:
    """Have a turn end with its request."""
    app.teardown_request(lambda _error: end_turn())


def take_turn(text: bytes) -> None:
    """Wait until no other request reads a heavy body, if this one is heavy.

    Raises:
        ServiceUnavailable: others are read for too long.
    """
    if memory_of(text) < _HEAVY or g.get(_HAS_TURN):
        return
    if not _TURN.acquire(timeout=_PATIENCE):
        raise ServiceUnavailable("other large bodies are being read; try again later", retry_after=RETRY_SECONDS)
    setattr(g, _HAS_TURN, True)


def end_turn() -> None:
    """Let the next one be read, once the values of this one are not needed any more; nothing where this was none."""
    if has_app_context() and g.pop(_HAS_TURN, False):
        give_back()
        _TURN.release()
