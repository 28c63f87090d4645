"""One service of the portal as a web application; everything it talks to is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined
from jinja2.runtime import Context, Macro
from werkzeug.local import LocalProxy

from synergos_portal.services import Service
from synergos_portal.settings import Settings
from synergos_portal.web import (
    current,
    errors,
    filters,
    forms,
    handover,
    header,
    links,
    live,
    markup,
    once,
    sending,
    sessions,
    sign_ins,
    words,
)
from synergos_portal.web.current import KnownOrchestrators
from synergos_portal.web.links import Family
from synergos_portal.web.sign_ins import SignIns

MACROS = ("forms", "parts", "tables")
"""Files of ``templates/macros``, which every page knows by these names without importing them."""


@dataclass(frozen=True)
class PortalParts:
    """What the three services share.

    Attributes:
        key: that sessions are signed with.
    """

    settings: Settings
    known: KnownOrchestrators
    key: bytes
    health: Callable[[], Mapping[str, object]]


class PlainContext(Context):
    """Where templates look up names; what they call is called without ado: Jinja looks at four things first, some hundred times a page."""

    def call(self, called: Any, /, *arguments: Any, **named: Any) -> Any:
        """What comes of a function or a macro."""
        is_plain = type(called) is FunctionType and not hasattr(called, "jinja_pass_arg")
        if not is_plain and type(called) is not Macro:
            return super().call(called, *arguments, **named)
        # For those alone that are given the context.
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*arguments, **named) if is_plain else called(self.eval_ctx, *arguments, **named)


class App(Flask):
    """A web application all of whose functions are plain ones."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: Flask looks at each one that it calls, some sixteen a page, whether it has to be awaited."""
        return func


def create_app(service: Service, parts: PortalParts, families: Sequence[Family]) -> Flask:
    """Build a service with the pages of the families that are its own."""
    app = App("synergos_portal", static_folder=None, template_folder="templates")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.context_class = PlainContext
    markup.install(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = parts.settings.program.maximum_body
    app.config["MAX_FORM_MEMORY_SIZE"] = parts.settings.program.maximum_body
    app.config["MAX_FORM_PARTS"] = forms.MOST_PARTS
    app.request_class = forms.FormRequest
    signed_in = SignIns(parts.settings.outputs)
    current.install(app, service, parts.known, signed_in)
    sign_ins.install(app)
    sessions.install(app, parts.key, is_secured=_is_secured(parts.settings))
    words.install(app)
    once.install(app)
    sending.install(app, service, parts.settings.places)
    errors.install(app)
    filters.install(app)
    forms.install(app)
    header.install(app, parts.health)
    handover.install(app, parts.settings.outputs)
    links.install(app, service, parts.settings.places, families)
    live.install(app, parts.known, signed_in)
    _know_macros(app)
    for family in families:
        if family.service is service:
            app.register_blueprint(family.blueprint)
    return app


def _is_secured(settings: Settings) -> bool:
    tls = settings.program.tls
    by_a_proxy = any(place.is_secured for place in settings.places.values())
    return by_a_proxy or (tls is not None and tls.files.is_server)


def _know_macros(app: Flask) -> None:
    """Have templates of an application know them; each is read when a page first needs it."""
    for name in MACROS:
        app.jinja_env.globals[name] = LocalProxy(partial(_module, app, name))


def _module(app: Flask, name: str) -> object:
    found = app.jinja_env.get_template(f"macros/{name}.html").module
    # Pages of after the first one find it without looking: a list has macros in each row.
    app.jinja_env.globals[name] = found
    return found
