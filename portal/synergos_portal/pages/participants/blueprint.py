"""Where the pages of participants lie."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("participants", __name__, url_prefix="/participants")
