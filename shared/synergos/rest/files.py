"""Files over HTTP: streamed, in parts when asked for, and not at all when the client has them already."""

from __future__ import annotations

from unicodedata import normalize
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import PreconditionFailed
from werkzeug.wsgi import wrap_file

from synergos.orchestration.open_files import OpenFile

_SHOWN = frozenset({"image/png"})
"""What a browser may show; everything else it is to store."""


def file_answer(opened: OpenFile) -> Response:
    """The content of a file, as the request at hand wants it (RFC 9110: ``Range``, ``If-Range``, ``If-None-Match``, ``If-Match``).

    Raises:
        PreconditionFailed: it is not the file any more that the client asks for.
        RequestedRangeNotSatisfiable: the file has no such part.
    """
    try:
        return _conditional(opened)
    except BaseException:
        opened.file.close()
        raise


def _conditional(opened: OpenFile) -> Response:
    # A part of another file than the one that was asked for would be worse than none.
    if request.if_match and not request.if_match.contains(opened.etag):
        raise PreconditionFailed(f"{opened.name} has been written anew since; list the artifacts again")
    content = wrap_file(request.environ, opened.file)
    response = Response(content, mimetype=opened.media_type, direct_passthrough=True)
    response.call_on_close(opened.file.close)
    response.content_length = opened.bytes
    response.set_etag(opened.etag)
    response.last_modified = opened.modified
    response.cache_control.no_cache = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    disposition = "inline" if opened.media_type in _SHOWN else "attachment"
    response.headers.set("Content-Disposition", disposition, **_named(opened.name))
    response.make_conditional(request, accept_ranges=True, complete_length=opened.bytes)
    return response


def _named(name: str) -> dict[str, str]:
    """The name that a file is stored under: once more in RFC 8187's way when not every client could read it otherwise."""
    if name.isascii():
        return {"filename": name}
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
