"""What a request is told that HTTP itself refuses, in our words."""

from __future__ import annotations

from http import HTTPStatus

from werkzeug.exceptions import HTTPException, MethodNotAllowed

_NOT_NAMED = frozenset({"HEAD", "OPTIONS"})


def words_of(error: HTTPException, method: str, path: str) -> str:
    """Why a request is refused, and what was expected.

    Args:
        method: of the request.
        path: where it went.
    """
    if isinstance(error, MethodNotAllowed):
        taken = sorted(set(error.valid_methods or ()) - _NOT_NAMED)
        return f"{method[:20]} is not taken at {path}" + (f"; expected {' or '.join(taken)}" if taken else "")
    return error.description or HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR).phrase
