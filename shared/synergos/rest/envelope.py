"""The JSON envelope of every answer; made anew for each request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Response, request

from synergos.domain.damage import DAMAGED, UNREADABLE

API_VERSION = "0.1.0"
_IDENTITY = ("kind", "id", "key", "keys", "doc_id")


def success(
    method: str,
    data: object,
    status: int = HTTPStatus.OK,
    *,
    with_params: bool = True,
    headers: Mapping[str, str] | None = None,
    more_params: Mapping[str, str] = MappingProxyType({}),
    more: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """An answer that carries records.

    Args:
        method: ``<resource>.<verb>``.
        data: one record's representation, or a list of them.
        with_params: whether the ids of the URL are repeated.
        more_params: what is named beside them.
        more: what the envelope says besides.
    """
    params = dict(request.view_args or {}) | dict(more_params) if with_params else {}
    body = {"apiVersion": API_VERSION, "success": 1, "status": int(status), "method": method, "params": params}
    return as_json({**body, **more, "data": data}, status, headers)


def failure(
    message: str,
    status: int,
    *,
    field: str | None = None,
    jobs: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that says why not; it has no ``data``, and the driver relies on that."""
    body: dict[str, Any] = {"apiVersion": API_VERSION, "success": 0, "status": int(status), "message": message}
    if field:
        body["field"] = field
    if jobs:
        body["jobs"] = list(jobs)
    return as_json(body, status, headers)


def as_json(body: Mapping[str, Any], status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON object as an answer; a NaN in it that is no stored record's is our mistake and an error."""
    try:
        text = json.dumps(body, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        text = json.dumps(without_damage(body), allow_nan=False)
    return Response(f"{text}\n", int(status), headers, mimetype="application/json")


def without_damage(shown: Any) -> Any:
    """The same with every record in it, the innermost first, that has no form in JSON shown as damaged."""
    if isinstance(shown, list):
        return [without_damage(each) for each in shown]
    if not isinstance(shown, Mapping) or _is_json(shown):
        return shown
    mended = {name: without_damage(each) for name, each in shown.items()}
    if "kind" not in shown or _is_json(mended):
        return mended
    return {name: shown[name] for name in _IDENTITY if name in shown} | {DAMAGED: UNREADABLE}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
