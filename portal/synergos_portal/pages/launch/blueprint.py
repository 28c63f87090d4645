"""Where these pages are."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("launch", __name__)

PROJECT = "/collaborations/<collab_id>/projects/<project_id>"
EXPERIMENT = f"{PROJECT}/experiments/<expt_id>"
RUN = f"{EXPERIMENT}/runs/<run_id>"
