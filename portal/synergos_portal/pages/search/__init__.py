"""Search by ids."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.looking_up import look_up
from synergos_portal.web.current import client
from synergos_portal.web.paths import path_of

pages = Blueprint("search", __name__)


@pages.get("/search")
def search() -> ResponseReturnValue:
    """The 20 best of each kind whose id has these letters."""
    text = request.args.get("q", "")[:128]
    return render_template("search/search.html", text=text, found=look_up(client(), text), path_of=path_of)
