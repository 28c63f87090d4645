"""Macros that every page has by name, without importing them: of forms, tables, live parts, losses, and parts of pages."""

from __future__ import annotations

from functools import partial

from flask import Flask
from werkzeug.local import LocalProxy

NAMES = ("forms", "live", "losses", "parts", "tables")


def install(app: Flask) -> None:
    """Have templates of an application know those of ``templates/macros``; each is read when a page first needs it."""
    for name in NAMES:
        app.jinja_env.globals[name] = LocalProxy(partial(_module, app, name))


def _module(app: Flask, name: str) -> object:
    found = app.jinja_env.get_template(f"macros/{name}.html").module
    # Pages of after the first one find it without looking: a list has macros in each row.
    app.jinja_env.globals[name] = found
    return found
