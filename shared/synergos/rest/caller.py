"""Who sent the request at hand; the only place that knows."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask, g, request

from synergos.accounts.sign_in import SignedIn, SignIn
from synergos.domain.roles import Role
from synergos.errors import NotPermitted
from synergos.orchestration.caller import OWNER, Caller
from synergos.program.request_traces import span_at_hand

_SIGNED_IN = "signed_in"
_OF_ORCHESTRATORS = frozenset({"about.metrics"})
"""What is told of all participants and collaborations at once."""
_PUBLIC = frozenset(
    {
        "about.bandwidth",
        "about.front_page",
        "about.health",
        *(
            f"{part}.{page}"
            for part in ("about", "connect", "train", "evaluate", "jobs")
            for page in ("doc", "specs", "root")
        ),
        "restx_doc.static",
    }
)
"""What is told to everybody: how the program is, how it is asked, and bytes that mean nothing; no record is among it."""


def install(app: Flask, sign_in: SignIn | None) -> None:
    """Have nobody asked anything but what is public who has not signed in, where there are accounts."""

    def identify() -> None:
        # A route that there is not tells nothing either.
        if request.endpoint is None or request.endpoint in _PUBLIC or sign_in is None:
            return
        found = sign_in.who(request.headers.get("Authorization"), request.remote_addr or "")
        setattr(g, _SIGNED_IN, found)
        if request.endpoint in _OF_ORCHESTRATORS and found.role is not Role.ORCHESTRATOR:
            raise NotPermitted(f"this takes an account of the role {Role.ORCHESTRATOR}")

    app.before_request(identify)


def caller() -> Caller:
    """Whoever sent the request; whoever runs the orchestrator, where there are no accounts."""
    found = signed_in()
    asking = OWNER if found is None else Caller(found.name, found.role, found.participant)
    return replace(asking, trace=span_at_hand())


def signed_in() -> SignedIn | None:
    """What whoever sent the request has shown; None where there are no accounts."""
    found: SignedIn | None = g.get(_SIGNED_IN)
    return found
