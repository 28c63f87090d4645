"""Why another program's page is not shown, as its window says it: a sentence, and it asks again by itself where that may help."""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
from flask import Response, jsonify, render_template, request

from synergos_portal.proxy.forwarding import is_page
from synergos_portal.proxy.trouble import RETRY_SECONDS, Kind, Trouble
from synergos_portal.web import handover
from synergos_portal.web.words import _

log = structlog.get_logger(__name__)
# In a window of the station or a tab; nothing runs in it.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def answer(trouble: Trouble) -> Response:
    """What a request is answered whose page is not shown."""
    status = trouble.kind.status
    log.info("a tool's page is not shown", tool=trouble.tool, reason=trouble.kind.name.lower(), status=trouble.answered)
    if is_page(request.environ):
        body = render_template(
            "station/trouble.html",
            said=sentence(trouble),
            retry=RETRY_SECONDS if trouble.kind.may_pass else None,
            sign_in=_sign_in(trouble),
        )
        response = Response(body, status, mimetype="text/html")
    else:
        # In the form that errors of an orchestrator have.
        response = jsonify({"success": 0, "status": int(status), "message": sentence(trouble)})
        response.status_code = int(status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    if trouble.kind.may_pass:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _sign_in(trouble: Trouble) -> str | None:
    """Where to sign in at the orchestrator that does not know who looks, where that would help."""
    if trouble.kind is not Kind.NOT_SIGNED_IN:
        return None
    return f"{handover.ASK}?{urlencode({'at': trouble.where, 'next': '/'})}"


def sentence(trouble: Trouble) -> str:
    """What is wrong, for whoever looks at the page."""
    tool, where = trouble.tool, trouble.where
    match trouble.kind:
        case Kind.AWAY:
            return _("%(tool)s does not answer at %(where)s.", tool=tool, where=where)
        case Kind.SLOW:
            return _("%(tool)s takes too long to answer at %(where)s.", tool=tool, where=where)
        case Kind.NONSENSE:
            return _("What answers at %(where)s is no web server, and so not %(tool)s.", tool=tool, where=where)
        case Kind.BUSY:
            return _("%(tool)s has as many requests to answer as the portal passes on at a time.", tool=tool)
        case Kind.LOGIN_REFUSED:
            return _(
                "%(tool)s at %(where)s does not know the user and password that the portal was given for it.",
                tool=tool,
                where=where,
            )
        case Kind.FAILING:
            return _(
                "%(tool)s at %(where)s refuses to show this page (HTTP %(status)s).",
                tool=tool,
                where=where,
                status=trouble.answered,
            )
        case Kind.NOT_SIGNED_IN:
            if where:
                return _(
                    "%(tool)s is shown to whoever has signed in at the portal's home page for each orchestrator with accounts, and for %(where)s you have not.",
                    tool=tool,
                    where=where,
                )
            return _("%(tool)s is shown to whoever has signed in at the portal's home page.", tool=tool)
        case Kind.NOT_PERMITTED:
            return _("%(tool)s tells of every participant, and is shown to orchestrators only.", tool=tool)
        case Kind.READING_ONLY:
            return _("This address is for reading only; the portal's other pages are for changing something.")
        case Kind.OTHER_SITE:
            return _("This was not asked for by a page at this address, so nothing was passed on.")
        case Kind.TOO_LARGE:
            return _("This is larger than what the portal passes on.")
        case Kind.UNKNOWN:
            return _("The portal was not told of any program of this name.")
        case _:
            return _("This address, or this way of asking for it, leads to no page.")
