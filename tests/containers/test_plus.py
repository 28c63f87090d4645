"""The Plus grid of its compose file: a whole cycle, what MLflow's server has of it, and what comes to the log server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

from containers.engine import Container, stop_all
from containers.grids import PLUS, ComposeGrid, running
from containers.jobs import Notebooks, heard, logged_cycle, programs_started
from containers.mlflow import finished, has_registered
from containers.portal import PORTS, portal
from containers.received import STAGES
from servers import chromium
from servers.browser import browser, is_installed
from support.checklist import ByMouse, launched
from support.original_notebooks import ABALONE, HEART_DISEASE, Cycle, refuse_errors
from support.waiting import until
from synergos_simulator.datasets import Dataset, open_dataset

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]

MLFLOW = "http://172.19.0.11:5500"
PAGES = "http://127.0.0.1:5500"
"""Where people look at them: its own address takes nothing from browsers."""
OWN = {"synp_ttp", "synp_worker_1", "synp_worker_2", "synp_mlops"}
PROGRAMS = {"TTP_synp_ttp", "WKR_synp_worker_1", "WKR_synp_worker_2"}
LOGGERS = PROGRAMS | {f"SYS_{name.partition('_')[2]}" for name in PROGRAMS}
"""All that log, and their system metrics."""


@pytest.fixture(scope="module")
def grid(images: None, tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Iterator[ComposeGrid]:
    # By TCP it is the same, which the cluster's is; with the certificates there is more that can be wrong.
    with running(PLUS, tmp_path_factory.mktemp("plus"), datasets, transport="tls") as started:
        yield started


@pytest.fixture(scope="module")
def notebooks(grid: ComposeGrid) -> Notebooks:
    return Notebooks(grid)


def test_the_notebook_runs_from_the_host_and_is_tracked(notebooks: Notebooks) -> None:
    # The other one is gone through below, and both by plain processes in tests/e2e/test_original_notebooks.py.
    refuse_errors(notebooks.ran(ABALONE))

    until(lambda: bool(finished(MLFLOW, ABALONE.ids(PLUS.name))), "the run to be on MLflow's server", every=0.5)
    [tracked] = finished(MLFLOW, ABALONE.ids(PLUS.name))
    of_run = {"run_id": tracked["info"]["run_id"]}
    files = requests.get(f"{MLFLOW}/api/2.0/mlflow/artifacts/list", of_run, timeout=30).json()["files"]
    assert {"global_train_loss", "worker_1_local_loss"} <= {metric["key"] for metric in tracked["data"]["metrics"]}
    assert "global_model.safetensors" in {file["path"] for file in files}


def test_the_simulators_notebook_runs_as_it_is(grid: ComposeGrid) -> None:
    executed = grid.run_example("diabetes")

    assert len(executed.results) >= 4
    assert all(row["R2"] > 0.25 for row in executed.results if row["R2"] is not None)


def test_a_log_server_that_comes_later_gets_what_was_said_without_it(grid: ComposeGrid, notebooks: Notebooks) -> None:
    notebooks.ran(ABALONE)
    assert {container.name for container in grid.containers()} == OWN

    grid.start_log_server()

    records = heard(grid, LOGGERS, ABALONE.ids(PLUS.name)[1], STAGES)
    assert {one.transport for one in records} == {"tls"}
    assert programs_started(records) == PROGRAMS


def registered(grid: ComposeGrid, dataset: Dataset, collaboration: str, project: str) -> None:
    """Both participants of a new project with their data; what is shared is known, and nothing else is declared."""
    driver = grid.driver
    driver.collaborations.create(collaboration, **PLUS.components)
    driver.projects.create(collaboration, project, dataset.action, {"tier_1": [], "tier_2": []})
    for holding, [node] in zip(dataset.holdings, PLUS.nodes, strict=True):
        driver.participants.create(holding.participant_id)
        registration = driver.registrations
        registration.add_node(host=node.host, port=node.data_port, f_port=node.port)
        own = {purpose: [getattr(holding, purpose)] for purpose in ("train", "evaluate")}
        refuse_errors(
            {
                "registration": registration.create(collaboration, project, holding.participant_id, "guest"),
                "tags": driver.tags.create(collaboration, project, holding.participant_id, **own),
            }
        )


def test_a_model_is_validated_in_a_browser_and_the_station_shows_its_training_and_the_log_server(
    grid: ComposeGrid, tmp_path: Path
) -> None:
    if not chromium.is_installed():
        pytest.skip(
            "PAGES ARE NOT LOOKED AT: there is no Chromium (on Debian: apt-get install chromium-headless-shell)"
        )
    dataset, keys = open_dataset(grid.datasets / "wine"), ("composed", "vintages")
    registered(grid, dataset, *keys)
    grid.start_log_server("--no-deps")

    with portal(grid) as pages, chromium.chromium() as browser, chromium.visiting(browser) as visitor:
        pages.refuse_strays()
        visitor.origins |= {pages.address(service) for service in PORTS}
        # Of MLflow's own pages: who is signed in at a server without accounts, and what a library of theirs thinks of them.
        visitor.expected |= {"404", "Sammy", "AG Grid"}
        try:
            visitor.open(f"{pages.address('nav')}/")
            for link in ("I orchestrate", "Collaborations", "View", *keys):
                visitor.follow(link)
            visitor.page.wait_for_url("**/projects/vintages")
            launched(ByMouse(visitor), visitor, visitor.page.url, dataset, tmp_path)

            for link in ("network", "first"):
                visitor.follow(link)
            visitor.sees("accuracy")
            [training] = grid.driver.jobs.read_all(project_id=keys[1], stage="train")["data"]
            visitor.follow(training["id"][:8])
            visitor.sees("completed")
            visitor.follow("The log of this time, in the Command Station")
            experiment = "_>_".join((*keys, "network"))
            log_server = f"shown at {pages.address('track')}/tools/logs/"
            for key, words in (("mlops", experiment), ("mlops", "first"), ("logs", log_server)):
                frame = visitor.page.locator(f'[data-key="{key}"]').frame_locator("iframe")
                expect(frame.locator("body")).to_contain_text(words)
        except Exception:
            chromium.keep_pictures(visitor, "composed")
            raise
        visitor.has_no_complaints()


def test_the_log_server_takes_a_whole_cycle_by_udp(grid: ComposeGrid) -> None:
    logged_cycle(grid.logging_by("udp"), HEART_DISEASE, LOGGERS)


def test_mlflows_pages_show_the_run_its_curves_and_the_registered_model(grid: ComposeGrid, tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip(
            "MLFLOW'S PAGES ARE NOT LOOKED AT: there is no browser (on Debian: apt-get install chromium-headless-shell)"
        )
    asked = {**PLUS.components, "mlops": {**PLUS.components["mlops"], "register": True}}
    begun = Cycle(replace(PLUS, name="pages", components=asked), HEART_DISEASE)
    refuse_errors({**begun.declare(), "alignments": begun.align(), "models": begun.train()})
    until(lambda: bool(finished(MLFLOW, begun.ids)), "the run to be on MLflow's server", every=0.5)
    [run] = finished(MLFLOW, begun.ids)
    runs = f"{PAGES}/#/experiments/{run['info']['experiment_id']}/runs"
    model = "_>_".join(begun.ids[1:3])
    until(lambda: has_registered(MLFLOW, model), "the model to be registered", every=0.5)

    with browser() as window:
        window.open(runs)
        window.wait_for("_>_".join(begun.ids[:3]), run["info"]["run_name"])
        window.open(f"{runs}/{run['info']['run_id']}/model-metrics")
        window.wait_for("global_train_loss")
        until(lambda: window.count(".js-plotly-plot .scatterlayer path") > 0, "its curves to be drawn", every=0.2)
        window.screenshot(tmp_path / "curves.png")
        window.open(f"{PAGES}/#/models")
        window.wait_for(model)
        window.open(f"{PAGES}/#/models/{quote(model, safe='')}")
        window.wait_for(model, "Version 1")
        window.screenshot(tmp_path / "model.png")

    for name in ("curves.png", "model.png"):
        with Image.open(tmp_path / name) as shown:
            assert len(shown.convert("RGB").getcolors(2**24) or ()) > 50, name


def test_prometheus_asks_every_program(grid: ComposeGrid) -> None:
    grid.compose("--profile", "metrics", "up", "--detach", "synergos_metrics")
    Container("synp_metrics").wait_until_healthy()

    def asked() -> dict[str, str]:
        answer = requests.get("http://127.0.0.1:9090/api/v1/targets", timeout=30).json()
        return {one["labels"]["instance"]: one["health"] for one in answer["data"]["activeTargets"]}

    until(lambda: asked() == dict.fromkeys(OWN - {"synp_mlops"}, "up"), "every program to be asked", every=0.5)


def test_everything_ends_when_told(grid: ComposeGrid) -> None:
    containers = [container for container in grid.containers() if container.name in OWN]

    assert stop_all(containers) == dict.fromkeys(OWN, 0)
