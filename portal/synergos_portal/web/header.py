"""The header of every page, with its menu, its choices and its live part; and what every service answers besides its pages: its health."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from flask import Blueprint, Flask, abort, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue

from synergos.program.health import OK
from synergos_portal.orchestrator.problems import OrchestratorProblem
from synergos_portal.services import Service
from synergos_portal.web import current, words
from synergos_portal.web.links import is_own_path, link, origin
from synergos_portal.web.live import fragment
from synergos_portal.web.words import lazy


@dataclass(frozen=True)
class Entry:
    """A link of the menu.

    Attributes:
        endpoint: the page it leads to.
        roles: to whom it is shown, where there are accounts.
    """

    text: str
    endpoint: str
    roles: frozenset[str] = frozenset({"orchestrator", "participant", "viewer"})


ENTRIES: Sequence[Entry] = (
    Entry(lazy("Home"), "home.home"),
    Entry(lazy("Collaborations"), "collaborations.listed"),
    Entry(lazy("Participants"), "participants.listed", frozenset({"orchestrator", "participant"})),
    Entry(lazy("Jobs"), "jobs.listed"),
    Entry(lazy("Studies"), "studies.listed"),
    Entry(lazy("Catalogue"), "catalogue.listed"),
    Entry(lazy("Station"), "station.station"),
    Entry(lazy("Status"), "status.status"),
)


@dataclass(frozen=True)
class Shown:
    """A link as a page has it."""

    text: str
    address: str
    is_here: bool


def _know_menu(app: Flask) -> None:
    """Have templates of an application show the menu by ``menu()``."""

    # The same for all who read a language and ask by a name, of which a browser says few.
    @lru_cache(32)
    def links(_language: str, _scheme: str, _host: str) -> list[tuple[str, str]]:
        return [(str(each.text), link(each.endpoint)) for each in ENTRIES]

    def shown() -> list[Shown]:
        here, role = (request.endpoint or "").partition(".")[0], current.role()
        return [
            Shown(text, address, each.endpoint.partition(".")[0] == here)
            for each, (text, address) in zip(ENTRIES, links(words.chosen(), request.scheme, request.host), strict=True)
            if role is None or role in each.roles
        ]

    app.jinja_env.globals.update(menu=shown, entry=entry)


def entry() -> str:
    """The address of the first page of all."""
    return "/" if current.service() is Service.NAV else f"{origin(Service.NAV)}/"


def install(app: Flask, health: Callable[[], Mapping[str, object]]) -> None:
    """Have an application answer these, and its pages know who reads them."""

    def answer() -> ResponseReturnValue:
        told = health()
        return jsonify(told), HTTPStatus.OK if told["status"] == OK else HTTPStatus.SERVICE_UNAVAILABLE

    app.add_url_rule("/health", "health", answer)
    app.register_blueprint(_choices())
    _know_menu(app)
    app.jinja_env.globals.update(
        orchestrator=current.orchestrator,
        orchestrators=lambda: current.known_orchestrators().names,
        person=current.person,
        has_accounts=current.has_accounts,
        is_open_to_all=is_open_to_all,
        may_orchestrate=current.may_orchestrate,
        may_act_for=current.may_act_for,
        own_participant=current.own_participant,
    )


def is_open_to_all() -> bool:
    """Whether the orchestrator that is shown says that it has no accounts."""
    accounts = current.client().health().get("accounts")
    return accounts is False or str(accounts).startswith("off")


def _choices() -> Blueprint:
    choices = Blueprint("choices", __name__, url_prefix="/choices")
    choices.add_url_rule("/language", view_func=choose_language, methods=["POST"])
    choices.add_url_rule("/orchestrator", view_func=choose_orchestrator, methods=["POST"])
    choices.add_url_rule("/sign-out", view_func=sign_out, methods=["POST"])
    choices.add_url_rule("/header", "live", live)
    return choices


def choose_language() -> ResponseReturnValue:
    """Show pages in another language from now on."""
    chosen = request.form.get("language")
    if chosen not in words.LANGUAGES:
        abort(400)
    session[words.CHOSEN] = chosen
    return _back()


def choose_orchestrator() -> ResponseReturnValue:
    """Show another orchestrator's grid from now on."""
    chosen = request.form.get("orchestrator")
    if chosen not in current.known_orchestrators().names:
        abort(400)
    session[current.CHOSEN] = chosen
    return redirect(f"{origin(Service.NAV)}/home", HTTPStatus.SEE_OTHER)


def sign_out() -> ResponseReturnValue:
    """End the token that was made when somebody signed in, and forget them."""
    who = current.person()
    if who is not None:
        if who.token_id is not None:
            # Where that fails it ends by itself, and nobody has it any more.
            with suppress(OrchestratorProblem):
                current.client().delete("tokens", who.token_id)
        current.orchestrator().forget(who.token)
        current.sign_out()
    return redirect(f"{origin(Service.NAV)}/sign-in", HTTPStatus.SEE_OTHER)


def live() -> ResponseReturnValue:
    """What is live in the header, for pages that have no live part of their own."""
    return fragment(None, unfinished=False)


def _back() -> ResponseReturnValue:
    """To the page the choice was made on; to none of another site."""
    asked = request.form.get("back", "/")
    return redirect(asked if is_own_path(asked) else "/", HTTPStatus.SEE_OTHER)
