"""Other programs whose pages are shown: which the portal was told of, who may see them, and why one is not shown, as its window says it.

They tell of every participant of every orchestrator: so whoever orchestrates at each that has accounts may see them.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from flask import Response, jsonify, render_template, request

from synergos.tls.files import TlsFiles
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.problems import Nonsense, NotSignedIn, OrchestratorProblem, Refused
from synergos_portal.proxy.forwarding import is_page
from synergos_portal.proxy.tool import RETRY_SECONDS, Kind, Place, Tool, Trouble
from synergos_portal.settings import Settings
from synergos_portal.web import current, handover
from synergos_portal.web.words import _

log = structlog.get_logger(__name__)

_MAY = "orchestrator"
"""The role."""
# In a window of the station or a tab; nothing runs in it.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
MLOPS, LOGS, QUEUE = "mlops", "logs", "queue"
REST = "rest"
_TITLES = {MLOPS: "MLflow", LOGS: "Graylog", QUEUE: "RabbitMQ"}
_FLAGS = {MLOPS: "--mlops", LOGS: "--logs", QUEUE: "--queue_pages"}
# By this Graylog writes the links of its pages; the others' are relative.
_PLACE_HEADERS = {LOGS: "X-Graylog-Server-URL"}
REST_PATHS = ("/ttp", "/swaggerui")
"""Of an orchestrator's interface and its documentation, whose pages have their files by the second one's very path."""


def listed_tools(settings: Settings) -> Sequence[Tool]:
    """All there are, of each orchestrator one.

    Raises:
        InvalidRequest: an address or a file is not what it is to be.
    """
    told = {MLOPS: settings.tools.mlops, LOGS: settings.tools.logs, QUEUE: settings.tools.queue_pages}
    tls = _trusting(settings)
    pages = [
        Tool(
            name,
            _TITLES[name],
            Place.read(address, _FLAGS[name]),
            prefix=f"/tools/{name}",
            login=settings.tools.logins.get(name),
            place_header=_PLACE_HEADERS.get(name),
            tls=tls,
        )
        for name, address in told.items()
        if address is not None
    ]
    return [*pages, *_interfaces(settings)]


def rest_name(orchestrator: str) -> str:
    """What the interface of an orchestrator is called."""
    return f"{REST}:{orchestrator}"


def _interfaces(settings: Settings) -> list[Tool]:
    return [
        Tool(
            rest_name(name),
            "Swagger",
            Place.read(address, "--orchestrator"),
            paths=REST_PATHS,
            front="/ttp/connect/",
            reads_only=not settings.tools.may_change,
            tls=(settings.tls or TlsFiles()).client,
        )
        for name, address in settings.orchestrators.items()
    ]


def _trusting(settings: Settings) -> Callable[[], ssl.SSLContext]:
    """How pages of other programs are asked by https: they know no certificate of this program's."""
    authority = settings.tools.authority
    return TlsFiles(authority=authority).client if authority is not None else TlsFiles().client


def is_interface(tool: Tool) -> bool:
    """Whether it is an orchestrator's own, which decides itself whom it tells what."""
    return tool.name.startswith(f"{REST}:")


def is_offered(tool: Tool) -> bool:
    """Whether a window of it is offered: to a participant none that would only say it is not for them."""
    return is_interface(tool) or all(obstacle.kind is not Kind.NOT_PERMITTED for obstacle in _obstacles(tool.title))


def may_see(tool: Tool) -> bool:
    """Whether whoever has sent this request may see it now."""
    return is_interface(tool) or not any(_obstacles(tool.title))


def admit(tool: Tool) -> None:
    """Let who has sent this request see a program's pages.

    Raises:
        Trouble: they may not, or nobody knows.
    """
    if not is_interface(tool):
        for obstacle in _obstacles(tool.title):
            raise obstacle


def _obstacles(title: str) -> Iterator[Trouble]:
    """Why not, one for each orchestrator that has to be asked and does not say that they may.

    The programs are those of all of them, so whichever was chosen in the header, or has no accounts, opens nothing.
    """
    for orchestrator in current.known_orchestrators().all():
        if (obstacle := _obstacle(orchestrator, title)) is not None:
            yield obstacle


def _obstacle(orchestrator: Orchestrator, title: str) -> Trouble | None:
    accounts = orchestrator.accounts()
    if accounts is False or str(accounts).startswith("off"):
        return None
    who = current.person_at(orchestrator.name)
    if who is None:
        return _away(orchestrator) if accounts is None else _not_signed_in(orchestrator, title)
    role = orchestrator.roles.of(who.token)
    if isinstance(role, OrchestratorProblem):
        return _unknown(role, orchestrator, title)
    return None if role == _MAY else Trouble(Kind.NOT_PERMITTED, title)


def _unknown(problem: OrchestratorProblem, orchestrator: Orchestrator, title: str) -> Trouble:
    """What is wrong where an orchestrator does not say what somebody is to it."""
    match problem:
        case NotSignedIn():
            # The account, or what they have signed in with, is no longer: at nav neither, so that they can sign in anew.
            current.forget_at(orchestrator.name)
            return _not_signed_in(orchestrator, title)
        case Refused(status=HTTPStatus.FORBIDDEN):
            return Trouble(Kind.NOT_PERMITTED, title)
        case Refused():
            return Trouble(Kind.FAILING, orchestrator.name, orchestrator.address, problem.status)
        case Nonsense():
            return Trouble(Kind.NONSENSE, orchestrator.name, orchestrator.address)
        case _:
            return _away(orchestrator)


def _away(orchestrator: Orchestrator) -> Trouble:
    return Trouble(Kind.AWAY, orchestrator.name, orchestrator.address)


def _not_signed_in(orchestrator: Orchestrator, title: str) -> Trouble:
    is_one_of_several = len(current.known_orchestrators().names) > 1
    return Trouble(Kind.NOT_SIGNED_IN, title, orchestrator.name if is_one_of_several else "")


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
