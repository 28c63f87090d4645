"""What people ask of an orchestrator, as its ledger says it: who declared, changed, trained, read or deleted what. See docs/ledger.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Flask, Response, g, request

from synergos.ledger.ledger import Ledger
from synergos.ledger.line import COLUMN_OF
from synergos.ledger.repeats import Repeats
from synergos.rest.caller import signed_in

_KEY = "declared_key"
_PARTS = frozenset({"connect", "train", "evaluate", "jobs"})
"""Whose routes are about records; what is told of the program itself is in no ledger."""
_PAGES = frozenset({"doc", "specs", "root"})
_DONE = {"PUT": "changed", "DELETE": "deleted"}
_READS = frozenset({"GET", "HEAD"})
_TURNED_AWAY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LONGEST = 500
_READ_BURST, _READ_RATE = 256, 1.0


class RequestLedger:
    """Writes down every request that changes something or begins work, and what is read, once an hour for each who reads it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self.ledger = ledger
        self._reads = Repeats(ledger, clock, _READ_BURST, _READ_RATE)
        self._refusals = Repeats(ledger, clock)

    def close(self) -> None:
        """Write what was counted, and let go of the ledger."""
        self._reads.flush()
        self._refusals.flush()
        self.ledger.close()

    def refuse_unwritable(self) -> None:
        """Begin nothing while something that was done cannot be written down; what makes room may be asked for.

        Raises:
            NotRecorded: there is something.
        """
        if _is_about_records() and request.method in ("POST", "PUT"):
            self.ledger.refuse_unwritable()

    def note(self, response: Response) -> Response:
        """Write down the request at hand, which is answered so."""
        if _is_about_records():
            about = {**_who(), **_ids(), "asked": _asked()}
            if response.status_code < HTTPStatus.BAD_REQUEST:
                self._note_done(about)
            elif request.method not in _READS or response.status_code in _TURNED_AWAY:
                self._refusals.mention("refused", {**about, "reason": f"status {response.status_code}"})
        return response

    def _note_done(self, about: Mapping[str, object]) -> None:
        if request.method in _READS:
            self._reads.mention("read", about)
        else:
            self.ledger.note(_DONE.get(request.method) or _of_post(), about)


def install(app: Flask, ledger: RequestLedger | None) -> None:
    """Have the requests of an application written down, where it keeps a ledger."""
    if ledger is not None:
        app.before_request(ledger.refuse_unwritable)
        app.after_request(ledger.note)


def about(key: Mapping[str, str]) -> None:
    """Say which record the request at hand is about, where its body has named it."""
    setattr(g, _KEY, dict(key))


def _is_about_records() -> bool:
    """Whether the request at hand is; a route that there is not tells nothing, and neither does documentation."""
    part, _, page = (request.endpoint or "").rpartition(".")
    return part in _PARTS and page not in _PAGES and request.view_args is not None


def _of_post() -> str:
    if request.blueprint == "connect":
        return "declared"
    # A stage, a study, or a job to be cancelled.
    return "asked for"


def _who() -> dict[str, str]:
    found = signed_in()
    # Where there are no accounts, whoever reaches the program may be anybody.
    account = {} if found is None else {"who": found.name, "role": found.role.value}
    return {**account, "address": request.remote_addr or ""}


def _ids() -> dict[str, str]:
    ids = {**(request.view_args or {}), **g.get(_KEY, {})}
    return {COLUMN_OF.get(name, name): str(value)[:_LONGEST] for name, value in ids.items()}


def _asked() -> str:
    """The request's method and the route it took, without the ids in that."""
    rule = str(request.url_rule)
    return f"{request.method} {'/'.join(part for part in rule.split('/') if part and not part.startswith('<'))}"
