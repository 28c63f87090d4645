"""How what is read is sent: smaller to whoever can unpack it, and not at all to whoever has it already."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from flask import Flask, Response, request

SMALLEST = 1000
"""Bytes that it is worth to pack."""
_LEVEL = 1
"""Of zlib: records are full of repeats, so that harder work makes them little smaller."""
_GZIP = zlib.MAX_WBITS | 16
_JSON = "application/json"


def install(app: Flask) -> None:
    """Have what an application answers to GET sent so, where it is JSON and no file."""
    app.after_request(_sent)


def _sent(response: Response) -> Response:
    if not _is_read(response):
        return response
    is_packed = bool(request.accept_encodings["gzip"])
    response.vary.add("Accept-Encoding")
    if not response.is_streamed:
        if _is_known(response, is_packed=is_packed):
            response.status_code = HTTPStatus.NOT_MODIFIED
            response.set_data(b"")
            return response
        is_packed = is_packed and len(response.get_data()) >= SMALLEST
    if is_packed:
        _pack(response)
    return response


def _is_read(response: Response) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and response.status_code == HTTPStatus.OK
        and response.mimetype == _JSON
        and not response.direct_passthrough
        and not response.cache_control.no_store
    )


def _is_known(response: Response, *, is_packed: bool) -> bool:
    """Whether the client has this very answer; it is given its tag.

    Where there is one already, the revision of a record, what is told around that is added behind a semicolon: the record may
    be what it was, and what hangs under it not. The packed form has another tag, as other bytes have to.
    """
    content = hashlib.sha256(response.get_data()).hexdigest()[:32]
    revision, _ = response.get_etag()
    tag = content if revision is None else f"{revision};{content}"
    response.set_etag(f"{tag};gzip" if is_packed and len(response.get_data()) >= SMALLEST else tag)
    response.cache_control.private = True
    response.cache_control.no_cache = True
    return any(request.if_none_match.contains_weak(each) for each in (tag, f"{tag};gzip"))


def _pack(response: Response) -> None:
    response.headers["Content-Encoding"] = "gzip"
    if response.is_streamed:
        response.headers.pop("Content-Length", None)
        response.response = _packed(response.iter_encoded())
    else:
        response.set_data(b"".join(_packed([response.get_data()])))


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
