"""What ``docker/metrics`` and the runbook ask of Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docker" / "metrics"
RUNBOOK = ROOT / "docs" / "observability.md"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "synergos.json"
RULES = ("recording_rules.yml", "alert_rules.yml")
_NAMES = re.compile(r"\b(?:[a-z_]+:)?(?:synergos|process)_\w+(?::\w+)?|\bup\b")
_IN_QUOTES = re.compile(r'"[^"]*"')


def rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting."""
    return [
        rule
        for file in RULES
        for group in yaml.safe_load((FOLDER / file).read_text())["groups"]
        for rule in group["rules"]
    ]


def dashboard_queries() -> list[str]:
    """All that the dashboard asks, with what Grafana puts in the place of its variables."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$grid", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]


def runbook_queries() -> Mapping[str, list[str]]:
    """The queries of the runbook by their question."""
    text = RUNBOOK.read_text().partition("\n## Runbook\n")[2]
    found = {}
    for section in text.split("\n### ")[1:]:
        title, _, content = section.partition("\n")
        if queries := re.findall(r"```promql\n(.*?)\n```", content, re.DOTALL):
            found[title] = queries
    return found


def metrics_in(query: str) -> set[str]:
    """The names of the metrics and recorded series that a query asks for."""
    return set(_NAMES.findall(_IN_QUOTES.sub("", query)))
