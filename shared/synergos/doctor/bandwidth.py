"""How quickly bytes go along a line, down and up: by ``/bandwidth``, which every program has for that."""

from __future__ import annotations

import http.client
import os
import time
from contextlib import closing

from synergos.doctor.finding import Finding, State
from synergos.doctor.line import End

AMOUNT = 2**22
_PIECE = 2**16
_LONGEST_SECONDS, _PATIENCE_SECONDS = 3.0, 30.0
_SLOW = 1e6
"""Bytes a second below which weights take their time."""
_MODEL = 1e8


def bandwidth(end: End) -> Finding:
    """Measure a line that holds, for some seconds at most."""
    try:
        down = _down(end)
        up = None if down is None else _up(end)
    except TimeoutError:
        said = "small answers pass and large ones do not: look at the MTU of a VPN or tunnel on the way"
        return end.said(State.FAILED, said, "bandwidth")
    except (OSError, http.client.HTTPException) as error:
        return end.said(
            State.NOTE, f"cannot be measured: {end.address} breaks off ({type(error).__name__})", "bandwidth"
        )
    if down is None or up is None:
        return end.said(State.NOTE, "cannot be measured with that version", "bandwidth")
    said = f"{down / 1e6:.1f} MB/s from there, {up / 1e6:.1f} MB/s to there"
    if min(down, up) >= _SLOW:
        return end.said(State.FINE, said, "bandwidth")
    return end.said(
        State.NOTE, f"{said}: a model of 100 MB takes {_MODEL / min(down, up) / 60:.0f} minutes a round", "bandwidth"
    )


def _down(end: End) -> float | None:
    """Bytes a second; None where there is no such route."""
    with closing(end.connection()) as connection:
        begun = time.monotonic()
        connection.request("GET", f"/bandwidth?bytes={AMOUNT}")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return None
        received = 0
        while (piece := answer.read(_PIECE)) and _is_in_time(begun):
            received += len(piece)
        return received / (time.monotonic() - begun)


def _up(end: End) -> float | None:
    with closing(end.connection()) as connection:
        piece = os.urandom(_PIECE)
        begun = time.monotonic()
        connection.putrequest("PUT", "/bandwidth")
        connection.putheader("Content-Length", str(AMOUNT))
        connection.endheaders()
        sent = 0
        while sent < AMOUNT and _is_in_time(begun):
            connection.send(piece)
            sent += len(piece)
        if sent == AMOUNT:
            # Most of it may still be in this machine's own buffers.
            connection.sock.settimeout(_PATIENCE_SECONDS)
            if connection.getresponse().status != http.client.OK:
                return None
        return sent / (time.monotonic() - begun)


def _is_in_time(begun: float) -> bool:
    return time.monotonic() - begun < _LONGEST_SECONDS
