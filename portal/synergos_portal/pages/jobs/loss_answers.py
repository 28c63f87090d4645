"""What rounds have lost, for the curve and for other programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from flask import Response, jsonify, request

from synergos_portal.orchestrator.jobs import Round
from synergos_portal.web.listing import Column, as_file

SHOWN_ROUNDS = 100
"""Of the table beside the curve; all of them are in the curve and in the files."""
_AT_ONCE = 10_000
"""Rounds of one answer to the curve, which asks for those after them."""
MORE = "Losses-More"
"""The header of an answer that has not all of them."""
COLUMNS = tuple(
    Column[Round](name, lambda lost, name=name: getattr(lost, name))  # type: ignore[misc]
    for name in ("round", "attempt", "at", "train", "evaluate", "participants")
)


def wanted_after() -> int:
    """After which round the curve has them."""
    after = request.args.get("after", "0")
    return int(after) if re.fullmatch(r"[0-9]{1,9}", after) else 0


def as_curve(rounds: Iterable[Round]) -> Response:
    """Rounds as the chart reads them."""
    found = list(islice(rounds, _AT_ONCE))
    answer = jsonify([[each.round, each.train, each.evaluate, dict(each.participants)] for each in found])
    answer.headers["Cache-Control"] = "no-store"
    if len(found) == _AT_ONCE:
        answer.headers[MORE] = "yes"
    return answer


def as_table(rounds: Iterable[Round], name: str) -> Response:
    """All of them as CSV, or with ``?format=json`` as JSON.

    Args:
        name: of the file, without what its kind adds.
    """
    kind = "json" if request.args.get("format") == "json" else "csv"
    return as_file(kind, iter(rounds), COLUMNS, name)
