"""What ``docker/metrics`` has for Prometheus and Grafana, checked by Prometheus' own tool."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from servers import prometheus
from servers.prometheus import promtool
from support.metrics_files import (
    DASHBOARD,
    FOLDER,
    ROOT,
    RUNBOOK,
    dashboard_queries,
    metrics_in,
    rules,
    runbook_queries,
)

GRIDS = ("synbasic", "synplus", "syncluster")


@pytest.fixture(autouse=True)
def _prometheus() -> None:
    if not prometheus.is_installed():
        pytest.skip(
            "METRICS' FILES ARE NOT TESTED: Prometheus is not installed (on Debian: apt-get install prometheus)"
        )


@pytest.mark.parametrize("name", [*GRIDS, "processes"])
def test_prometheus_takes_what_it_is_to_scrape(name: str) -> None:
    promtool("check", "config", FOLDER / f"{name}.yml")


def test_every_rule_does_what_its_cases_say() -> None:
    promtool("check", "rules", *(FOLDER / name for name in ("recording_rules.yml", "alert_rules.yml")))
    promtool("test", "rules", FOLDER / "rule_tests.yml")


def test_every_rule_has_a_case() -> None:
    """A recorded series one of its own, or of a rule that is made of it."""
    asked = (FOLDER / "rule_tests.yml").read_text() + "".join(str(rule["expr"]) for rule in rules())

    for rule in rules():
        name = rule.get("alert") or rule["record"]
        assert name in asked, name


@pytest.mark.parametrize("grid", GRIDS)
def test_each_program_of_a_compose_grid_is_scraped_where_it_is(grid: str) -> None:
    compose = yaml.safe_load((ROOT / f"docker-compose-{grid}.yml").read_text())["services"]
    network = f"synergos_{grid.removeprefix('syn')}"
    expected = {
        (kind, service["container_name"], f"{own['ipv4_address']}:5000")
        for service in compose.values()
        for kind in ("director", "ttp", "worker")
        if re.match(rf"synergos_{kind}\b", str(service.get("image", ""))) and (own := service["networks"].get(network))
    }
    scraped = yaml.safe_load((FOLDER / f"{grid}.yml").read_text())["scrape_configs"]
    found = {
        (job["job_name"].removeprefix("synergos_"), each["labels"]["instance"], *each["targets"])
        for job in scraped
        for each in job["static_configs"]
    }

    assert found == expected
    assert {each["labels"]["grid"] for job in scraped for each in job["static_configs"]} == {grid}


def test_every_query_can_be_read(tmp_path: Path) -> None:
    queries = [*dashboard_queries(), *(query for each in runbook_queries().values() for query in each)]
    assert len(queries) > 40
    group = {"name": "queries", "rules": [{"record": f"q{n}", "expr": query} for n, query in enumerate(queries)]}
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [group]}))

    assert f"{len(queries)} rules found" in promtool("check", "rules", tmp_path / "queries.yml")


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    queries = [*dashboard_queries(), *(query for each in runbook_queries().values() for query in each)]
    asked = {name for query in [*queries, *(rule["expr"] for rule in rules())] for name in metrics_in(query)}

    assert {name for name in asked if ":" in name} <= {rule["record"] for rule in rules() if "record" in rule}


def test_every_alert_and_panel_leads_to_a_question_of_the_runbook() -> None:
    headings = re.findall(r"^### (.*)$", RUNBOOK.read_text(), re.MULTILINE)
    anchors = {"docs/observability.md#" + re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
    panels = json.loads(DASHBOARD.read_text())["panels"]

    named = {rule["annotations"]["runbook_url"] for rule in rules() if "alert" in rule}
    named |= {panel["description"] for panel in panels if panel.get("description")}

    assert named
    assert named <= anchors


def test_what_grafana_needs_of_a_dashboard_is_there() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]

    assert {"title", "uid", "schemaVersion", "templating", "time"} <= dashboard.keys()
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    for panel in panels:
        for target in panel.get("targets", ()):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert target["expr"]
