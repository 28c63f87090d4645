"""Where in another program's pages a run is to be found."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

from synergos_portal.pages.station.chosen import IDS, Chosen
from synergos_portal.proxy.asking import Answered, Question, ask
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.tool import Tool

_MOST = 2**20
"""Bytes of an answer that are read."""
_A_WEEK = 7 * 24 * 3600

Get = Callable[[str], object]
"""What a program answers with 200 at a path, as JSON; None for everything else."""


def mlflow_page(chosen: Chosen, get: Get) -> str:
    """The fragment of MLflow's page with the trainings of a run, or of its experiment; its list of experiments where it has none yet."""
    if not chosen.is_experiment:
        return "#/experiments"
    # As the TTP writes it there (docs/tracking.md).
    name = f"{chosen.collab_id}_>_{chosen.project_id}_>_{chosen.expt_id}"
    found = get(f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name, safe='')}")
    experiment = _field(_field(found, "experiment"), "experiment_id")
    if not isinstance(experiment, str) or not experiment.isalnum():
        return "#/experiments"
    tag, value = ("synergos.job", chosen.job_id) if chosen.job_id else ("synergos.run", chosen.run_id)
    if value is None:
        return f"#/experiments/{experiment}/runs"
    wanted = f"tags.`{tag}` = {_quoted(value)}"
    return f"#/experiments/{experiment}/runs?searchFilter={quote(wanted, safe='')}"


def graylog_page(chosen: Chosen) -> str:
    """The address of Graylog's search for a job's messages, or for those about a run."""
    terms = [("job_id", chosen.job_id)] if chosen.job_id else [(name, getattr(chosen, name)) for name in IDS]
    query = " AND ".join(f"{name}:{_phrase(value)}" for name, value in terms if value is not None)
    if chosen.began is not None and chosen.ended is not None:
        when = {"rangetype": "absolute", "from": _utc(chosen.began), "to": _utc(chosen.ended)}
    else:
        when = {"rangetype": "relative", "from": str(_A_WEEK)}
    return "search?" + urlencode({**({"q": query} if query else {}), **when})


def asking(tool: Tool, lines: Lines) -> Get:
    """What asks a program itself, as its login."""

    def get(path: str) -> object:
        fields = [("Host", tool.place.written), ("Accept", "application/json")]
        if tool.login is not None:
            fields.append(("Authorization", tool.login.header))
        with closing(ask(tool, lines, Question("GET", tool.place.path + path, fields, 0, lambda _: b""))) as answered:
            return _read(answered) if answered.status == HTTPStatus.OK else None

    return get


def _read(answered: Answered) -> object:
    body = b""
    for piece in answered:
        body += piece
        if len(body) > _MOST:
            return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _field(told: object, name: str) -> object:
    return told.get(name) if isinstance(told, dict) else None


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "") + '"'


def _phrase(text: str) -> str:
    """A text in Graylog's language of queries."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utc(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
