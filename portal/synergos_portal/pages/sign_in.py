"""Signing in at an orchestrator with accounts; its token stays on this side."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields import PasswordField, StringField
from wtforms.validators import Length, ValidationError

from synergos.foreign_json import mapping
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.problems import NotSignedIn, Refused
from synergos_portal.services import Service
from synergos_portal.web import current, handover
from synergos_portal.web.forms import Form
from synergos_portal.web.links import is_own_path
from synergos_portal.web.sign_ins import SignedIn, TooManyWrong, attempts
from synergos_portal.web.words import _, lazy, ngettext

pages = Blueprint("sign_in", __name__)


class SignInForm(Form):
    """Name and password, or a token that was given by somebody else."""

    name = StringField(lazy("Name"), [Length(max=256)], render_kw={"autocomplete": "username"})
    password = PasswordField(lazy("Password"), [Length(max=1024)], render_kw={"autocomplete": "current-password"})
    token = PasswordField(
        lazy("Or a token"),
        [Length(max=16384)],
        description=lazy("Of this orchestrator, or of your organisation's own sign-in where it is known here."),
        render_kw={"autocomplete": "off"},
    )

    def validate_token(self, field: Any) -> None:
        """One of both ways."""
        if not field.data and not (self.name.data and self.password.data):
            raise ValidationError(_("Say name and password, or a token."))
        if field.data and not (field.data.isascii() and field.data.isprintable() and " " not in field.data):
            raise ValidationError(_("Expected a token: letters, digits and signs, without blanks."))


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Become somebody, or be handed over to another service that asks who this is."""
    if request.method == "GET" and handover.is_asked_for() and current.person_at(_orchestrator().name) is not None:
        return redirect(_following(), HTTPStatus.SEE_OTHER)
    form = SignInForm.sent()
    if form.is_sent:
        try:
            who = _attempted(form)
        except NotSignedIn:
            form.problems.append(_("Name and password, or the token, are not right."))
        except TooManyWrong as error:
            return _turned_away(form, error)
        except Refused as error:
            form.problems.append(error.message)
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                return _page(form), error.status
        else:
            current.sign_in(who)
            return redirect(_following(), HTTPStatus.SEE_OTHER)
    return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY if form.all_errors else HTTPStatus.OK


def _attempted(form: SignInForm) -> SignedIn:
    """Who that is; the orchestrator is not asked where too much was wrong from that browser's address.

    Raises:
        TooManyWrong: it was.
        NotSignedIn, Refused: as :func:`_signed_in`.
    """
    orchestrator = _orchestrator()
    name = None if form.token.data else form.name.data
    with attempts().one(orchestrator.name, name, request.remote_addr or ""):
        return _signed_in(orchestrator, form)


def _turned_away(form: SignInForm, error: TooManyWrong) -> ResponseReturnValue:
    minutes = -(-error.seconds // 60)
    form.problems.append(
        ngettext(
            "Too many attempts from your address were wrong. Nobody was asked; try again in a minute.",
            "Too many attempts from your address were wrong. Nobody was asked; try again in %(num)s minutes.",
            minutes,
        )
    )
    return _page(form), HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(error.seconds)}


def _page(form: SignInForm) -> str:
    return render_template("sign_in.html", form=form, at=_orchestrator().name)


def _orchestrator() -> Orchestrator:
    """Whose people sign in: of another service's choice, or the one that is shown."""
    known, at = current.known_orchestrators(), request.args.get("at")
    return known.chosen(at) if at in known.names else current.orchestrator()


def _signed_in(orchestrator: Orchestrator, form: SignInForm) -> SignedIn:
    """Who that is.

    Raises:
        NotSignedIn: nobody.
        Refused: too many have tried, or there are no accounts.
    """
    token_id = None
    token = form.token.data
    if not token:
        made = orchestrator.signs_in(form.name.data or "", form.password.data or "")
        token, token_id = str(made.get("token", "")), str(made.get("id", "")) or None
    account = mapping(orchestrator.asking_with(token).answer("GET", "account").get("data"))
    participant = account.get("participant_id")
    return SignedIn(
        orchestrator=orchestrator.name,
        token=token,
        token_id=token_id,
        name=str(account.get("name", "")),
        role=str(account.get("role", "")),
        participant_id=None if participant is None else str(participant),
    )


def _following() -> str:
    """The page somebody came from, of one of the three services."""
    path, service = request.args.get("next", ""), request.args.get("service", "")
    if not is_own_path(path) or service not in list(Service):
        return "/home"
    return path if service == Service.NAV else handover.way_back(Service(service), path)
