"""What went wrong, as a page that says what happened and what to do: never a traceback, and nothing of what was sent."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from synergos_portal.orchestrator.problems import Away, Nonsense, NotSignedIn, Refused
from synergos_portal.web import current, handover, live, sessions
from synergos_portal.web.links import here
from synergos_portal.web.words import _

log = structlog.get_logger(__name__)


def install(app: Flask) -> None:
    """Have an application answer with such pages."""
    app.register_error_handler(Away, _away)
    app.register_error_handler(Nonsense, _nonsense)
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(UnicodeDecodeError, _no_text)
    app.register_error_handler(Exception, _fault)


def page(status: int, title: str, happened: str, to_do: str, *, comes_back: bool = False) -> ResponseReturnValue:
    """A page about something that went wrong.

    Args:
        happened: may be somebody else's words.
        comes_back: whether it is read anew as soon as the orchestrator is heard of again.
    """
    html = render_template(
        "error.html", status=int(status), title=title, happened=happened, to_do=to_do, comes_back=comes_back
    )
    return html, status


def _away(error: Away) -> ResponseReturnValue:
    log.warning("orchestrator away", reason=error.message)
    return page(
        HTTPStatus.BAD_GATEWAY,
        _("The orchestrator does not answer"),
        error.message,
        _("This page comes back by itself as soon as it does. If it stays away, ask whoever runs the grid."),
        comes_back=request.method == "GET",
    )


def _nonsense(error: Nonsense) -> ResponseReturnValue:
    log.warning("no orchestrator answers", reason=error.message)
    return page(
        HTTPStatus.BAD_GATEWAY,
        _("What answers is no orchestrator, or one that this portal does not understand"),
        error.message,
        _("Whoever runs the portal has told it the address: ask them whether it is right, and of the same version."),
    )


def _not_signed_in(error: NotSignedIn) -> ResponseReturnValue:
    current.sign_out()
    if request.method == "GET":
        # Live parts are told, and their page is read anew; a page leads to where one signs in, and from there back.
        if live.is_live(request.endpoint or "") or "HX-Request" in request.headers:
            return "", HTTPStatus.UNAUTHORIZED
        if request.headers.get("Sec-Fetch-Dest") != "iframe":
            return handover.to_sign_in(here())
        return page(
            HTTPStatus.UNAUTHORIZED,
            _("You are not signed in"),
            error.message,
            _("Where one signs in is shown in no window: open this page in a tab, and sign in there."),
        )
    return page(
        HTTPStatus.UNAUTHORIZED,
        _("You are not signed in"),
        error.message,
        _("Nothing was changed. Sign in again, and send it once more."),
    )


def _refused(error: Refused) -> ResponseReturnValue:
    if error.status == HTTPStatus.NOT_FOUND:
        return page(error.status, _("There is no such thing"), error.message, _missing())
    status = error.status if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.BAD_GATEWAY
    said = error.message if error.field is None else f"{error.field}: {error.words}"
    to_do = _("Nothing was changed. Go back, and put it right.")
    if status == HTTPStatus.FORBIDDEN and current.person() is not None:
        to_do = _("Nothing was changed. Your account is not let do this: ask whom it belongs to.")
    return page(status, _("The orchestrator refuses this"), said, to_do)


def _http(error: HTTPException) -> ResponseReturnValue:
    if sessions.is_forgery(error):
        log.warning("forged change refused", path=request.path, method=request.method)
        return page(
            HTTPStatus.FORBIDDEN,
            _("This change is not taken"),
            _("It was not sent by a page of this portal, or the page was open longer than its session."),
            _("Nothing was changed. Go back, reload the page, and send it again."),
        )
    if isinstance(error, handover.NotHandedOver):
        return page(
            HTTPStatus.FORBIDDEN,
            _("You are not signed in here"),
            _("This address was good for one browser, once, and for a moment."),
            _("Open the page that you want to see once more: it leads to where one signs in, and back."),
        )
    if isinstance(error, NotFound):
        return page(HTTPStatus.NOT_FOUND, _("There is no such page"), _("Nothing is at this address."), _missing())
    if isinstance(error, RequestEntityTooLarge):
        return page(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            _("This is too large"),
            _("What was sent is larger than the portal takes."),
            _("Nothing was changed. Send a smaller file."),
        )
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    return page(status, _("This cannot be answered"), error.description or error.name, _missing())


def _no_text(error: UnicodeDecodeError) -> ResponseReturnValue:
    # Whichever page has looked at its arguments.
    if error.object != request.query_string:
        return _fault(error)
    return page(
        HTTPStatus.BAD_REQUEST, _("This cannot be answered"), _("The address has bytes that are no text."), _missing()
    )


def _fault(error: Exception) -> ResponseReturnValue:
    # Its place tells what has to be mended; its text may quote what somebody has typed.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{place.tb_lineno}"
    log.error("a page failed", endpoint=request.endpoint, error=type(error).__name__, place=where)
    return page(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        _("This is a mistake of the portal"),
        _("The page could not be made."),
        _("It has been written to the portal's log. Tell whoever runs it when it happened."),
    )


def _missing() -> str:
    return _("Check the address, or begin at the home page.")
