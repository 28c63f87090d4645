"""Of the request at hand: which service it came in by, who has sent it, and the orchestrator that is asked for it, of those that are known."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from flask import Flask, current_app, g, session

from synergos.driver.tls import Tls
from synergos.foreign_json import mapping
from synergos_portal.orchestrator.client import Client, Orchestrator
from synergos_portal.orchestrator.problems import OrchestratorProblem
from synergos_portal.services import Service
from synergos_portal.web.sign_ins import SignedIn, SignIns

_SERVICE, _KNOWN, _SIGN_INS = "synergos_service", "synergos_known", "synergos_sign_ins"
CHOSEN = "orchestrator"
"""The field of the session that names the orchestrator somebody has chosen."""
SIGNED_IN = "signed_in"
"""The field of the session that has, by orchestrator, a name of whoever has signed in there."""


def install(app: Flask, service: Service, known: KnownOrchestrators, sign_ins: SignIns) -> None:
    """Have requests of an application know it."""
    app.extensions[_SERVICE] = service
    app.extensions[_KNOWN] = known
    app.extensions[_SIGN_INS] = sign_ins


def of_request() -> dict[str, object]:
    """What is known of this request until it is answered: by ``g``, which pages look at some hundred times, without its proxy."""
    known: dict[str, object] = vars(g._get_current_object())
    return known


def service() -> Service:
    """The service of this request."""
    return cast(Service, current_app.extensions[_SERVICE])


def known_orchestrators() -> KnownOrchestrators:
    """All that may be chosen."""
    return cast(KnownOrchestrators, current_app.extensions[_KNOWN])


def orchestrator() -> Orchestrator:
    """The one that is shown."""
    return known_orchestrators().chosen(session.get(CHOSEN))


def client() -> Client:
    """What asks it on behalf of whoever has sent this request."""
    known = of_request()
    if "client" not in known:
        who = person()
        known["client"] = orchestrator().on_behalf_of(None if who is None else who.token)
    return cast(Client, known["client"])


def person() -> SignedIn | None:
    """Who has sent this request, where they have signed in at the orchestrator that is shown."""
    known = of_request()
    if "person" not in known:
        known["person"] = person_at(orchestrator().name)
    return cast("SignedIn | None", known["person"])


def person_at(name: str) -> SignedIn | None:
    """Who has sent this request, where they have signed in at the orchestrator of this name."""
    # The same from the beginning of a request to its end, whoever signs them out meanwhile: what is asked for somebody is theirs.
    people: dict[str, SignedIn | None] = g.setdefault("people", {})
    if name not in people:
        people[name] = sign_ins().at(name, names_here())
    return people[name]


def tokens() -> tuple[str | None, ...]:
    """By which each orchestrator knows who has sent this request; None where they are nobody there."""
    people = map(person_at, known_orchestrators().names)
    return tuple(None if who is None else who.token for who in people)


def is_signed_in() -> bool:
    """Whether this browser is somebody at any orchestrator, as far as it says itself; nobody is asked."""
    return bool(names_here())


def sign_ins() -> SignIns:
    """All who are signed in."""
    return cast(SignIns, current_app.extensions[_SIGN_INS])


def sign_in(who: SignedIn) -> None:
    """Have this browser be somebody at an orchestrator."""
    be({who.orchestrator: sign_ins().add(who)})


def be(names: Mapping[str, str]) -> None:
    """Have this browser be whoever these names stand for, by orchestrator, and nobody be whom it was there before."""
    before = names_here()
    for orchestrator_name, name in names.items():
        if before.get(orchestrator_name) != name:
            # Another host's cookie may have it too, and who signs out would not be signed out there.
            sign_ins().remove(before.get(orchestrator_name))
    session[SIGNED_IN] = {**before, **names}
    _look_anew()


def sign_out() -> None:
    """Have this browser be nobody there."""
    names = dict(names_here())
    sign_ins().remove(names.pop(orchestrator().name, None))
    session[SIGNED_IN] = names
    _look_anew()


def forget_at(name: str) -> None:
    """Have nobody be whom this browser is at the orchestrator of this name, by whichever service it asks."""
    sign_ins().remove(names_here().get(name))
    _look_anew()


def _look_anew() -> None:
    """Who has sent this request is somebody else from now on."""
    for name in ("client", "person", "people"):
        g.pop(name, None)


def has_accounts() -> bool:
    """Whether the orchestrator that is shown wants people to sign in; taken for granted of one that is away."""
    accounts = client().health().get("accounts")
    return accounts is not None and accounts is not False and not str(accounts).startswith("off")


def role() -> str | None:
    """What somebody with an account is to the orchestrator; None without accounts, where everybody may everything."""
    who = person()
    return None if who is None else who.role


def may_orchestrate(collab_id: object = None) -> bool:
    """Whether pages offer what an orchestrator does, in a collaboration where one is named: whether it may be done the orchestrator decides."""
    return role() in (None, "orchestrator") and (collab_id is None or _has("collaborations", collab_id))


def may_act_for(participant_id: object) -> bool:
    """Whether pages offer what is a participant's to do: to itself, and to whoever stands in for it as long as it has no account."""
    if role() == "participant":
        return own_participant() == participant_id
    return may_orchestrate() and _has("participants", participant_id)


def own_participant() -> str | None:
    """The participant whose account has sent this request; of no other it may do anything."""
    who = person()
    return None if who is None or who.role != "participant" else who.participant_id


def _has(kind: str, record_id: object) -> bool:
    """Whether the orchestrator says that something belongs to whoever has sent this request; taken for granted where it does not say."""
    if person() is None:
        return True
    if "owned" not in g:
        g.owned = {}
        with suppress(OrchestratorProblem):
            g.owned = mapping(client().answer("GET", "account", query={"owned": "true"}).get("data"))
    own = g.owned.get(kind)
    return not isinstance(own, list) or record_id in own


def names_here() -> dict[str, str]:
    """The names that this browser has for whom it has signed in as, by orchestrator; they may stand for nobody any more."""
    names = session.get(SIGNED_IN)
    return names if isinstance(names, dict) else {}


class KnownOrchestrators:
    """Those that the portal was told of when it started, by name; a visitor chooses among them and can name no other."""

    def __init__(self, orchestrators: Mapping[str, Orchestrator]) -> None:
        self._by_name = dict(orchestrators)

    @classmethod
    def at(cls, addresses: Mapping[str, str], tls: Tls | None = None) -> KnownOrchestrators:
        """Those at these addresses, by name."""
        return cls({name: Orchestrator.at(name, address, tls) for name, address in addresses.items()})

    @property
    def names(self) -> list[str]:
        """Of all of them."""
        return list(self._by_name)

    def all(self) -> list[Orchestrator]:
        """All of them."""
        return list(self._by_name.values())

    def chosen(self, name: object) -> Orchestrator:
        """The one of this name, or the first where none has it."""
        if isinstance(name, str) and name in self._by_name:
            return self._by_name[name]
        return next(iter(self._by_name.values()))

    def close(self) -> None:
        """Let all connections go."""
        for orchestrator in self._by_name.values():
            orchestrator.close()
