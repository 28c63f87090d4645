"""Bodies of JSON whose values take much memory: one of them is read at a time in a program, and what it took goes back to the system.

The turn is the request's until it was checked what the values say; at the latest until it is answered, or waits for something.
"""

from __future__ import annotations

import gc
import threading

from flask import Flask, g, has_app_context
from werkzeug.exceptions import ServiceUnavailable

from synergos.program.freed_memory import give_back
from synergos.program.patience import RETRY_SECONDS
from synergos.schema.json_text import memory_of

_HEAVY = 2**22
"""Bytes from which on a text and its values are heavy: so many threads as a program has may read lighter ones at a time."""
_PATIENCE = 10.0
"""Seconds for which a turn is waited for; reading one takes less than one."""

_TURN = threading.Lock()
"""Taken by a request's thread, and released by it."""
_HAS_TURN = "synergos_heavy_body"
_WAS_HEAVY = "synergos_was_heavy"


def install(app: Flask) -> None:
    """Have a turn end with its request."""
    app.teardown_request(lambda _error: _end())


def take_turn(text: bytes) -> None:
    """Wait until no other request reads a heavy body, if this one is heavy.

    Raises:
        ServiceUnavailable: others are read for too long.
    """
    if len(text) + memory_of(text) < _HEAVY or g.get(_HAS_TURN):
        return
    if not _TURN.acquire(timeout=_PATIENCE):
        raise ServiceUnavailable("other large bodies are being read; try again later", retry_after=RETRY_SECONDS)
    setattr(g, _HAS_TURN, True)
    setattr(g, _WAS_HEAVY, True)


def end_turn() -> None:
    """Let the next one be read, once the values of this one are not needed any more; nothing where this was none."""
    if has_app_context() and g.pop(_HAS_TURN, False):
        give_back()
        _TURN.release()


def _end() -> None:
    if g.pop(_WAS_HEAVY, False):
        # An error that was answered is in a circle with the frames it passed through, and these have the body and its values.
        gc.collect()
        give_back()
    end_turn()
