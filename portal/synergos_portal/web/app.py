"""One service of the portal as a web application; everything it talks to is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Flask
from jinja2 import StrictUndefined

from synergos_portal.orchestrator.known import KnownOrchestrators
from synergos_portal.services import Service
from synergos_portal.settings import Settings
from synergos_portal.web import (
    common,
    compression,
    current,
    errors,
    filters,
    forgery,
    forms,
    framing,
    handover,
    ids,
    language,
    links,
    live,
    macros,
    menu,
    once,
    policy,
    returning,
    sessions,
    sign_in_attempts,
    static_files,
    way,
)
from synergos_portal.web.links import Family
from synergos_portal.web.sign_ins import SignIns


@dataclass(frozen=True)
class PortalParts:
    """What the three services share.

    Attributes:
        key: that sessions are signed with.
        health: what ``/health`` says.
    """

    settings: Settings
    known: KnownOrchestrators
    key: bytes
    health: Callable[[], Mapping[str, object]]


def create_app(service: Service, parts: PortalParts, families: Sequence[Family]) -> Flask:
    """Build a service with the pages of the families that are its own."""
    app = Flask("synergos_portal", static_folder=None, template_folder="templates")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = parts.settings.program.maximum_body
    app.config["MAX_FORM_MEMORY_SIZE"] = parts.settings.program.maximum_body
    # A model of many layers has some fields for each of them.
    app.config["MAX_FORM_PARTS"] = 20_000
    sign_ins = SignIns(parts.settings.outputs)
    current.install(app, service, parts.known, sign_ins)
    sign_in_attempts.install(app)
    returning.install(app)
    sessions.install(app, parts.key, is_secured=_is_secured(parts.settings))
    language.install(app)
    forgery.install(app)
    once.install(app)
    policy.install(app, service, parts.settings.places)
    framing.install(app)
    errors.install(app)
    compression.install(app)
    filters.install(app)
    forms.install(app)
    static_files.install(app)
    common.install(app, parts.health)
    handover.install(app, parts.settings.outputs)
    links.install(app, service, parts.settings.places, families)
    menu.install(app)
    live.install(app, parts.known, sign_ins)
    ids.install(app)
    way.install(app)
    macros.install(app)
    for family in families:
        if family.service is service:
            app.register_blueprint(family.blueprint)
    return app


def _is_secured(settings: Settings) -> bool:
    tls = settings.program.tls
    by_a_proxy = any(place.is_secured for place in settings.places.values())
    return by_a_proxy or (tls is not None and tls.files.is_server)
