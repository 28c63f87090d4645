"""How to use the portal, and what words mean."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from synergos_portal.pages.manual.words import WORDS

pages = Blueprint("manual", __name__, url_prefix="/help")


@pages.get("")
def manual() -> ResponseReturnValue:
    """The way from an empty grid to a model, and what to do when something fails."""
    return render_template("manual/help.html")


@pages.get("/words")
def words() -> ResponseReturnValue:
    """The glossary."""
    return render_template("manual/words.html", words=sorted(WORDS, key=lambda word: str(word[0]).casefold()))
