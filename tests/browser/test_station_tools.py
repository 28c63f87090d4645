"""The Command Station with the programs it is for: a real MLflow server and a real RabbitMQ, in their windows."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from servers import mlflow_server, rabbitmq
from servers.portal import RunningPortal, running
from servers.shown_tool import as_json, shown_tool
from support.visitor import Visitor
from synergos.mlops_server import PYTHON
from synmanager.roles import ADMINISTRATOR

_JOB = {
    "id": "9a",
    "stage": "train",
    "state": "completed",
    "keys": {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"},
}


def answer(data: object) -> Any:
    return as_json({"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "x", "params": {}, "data": data})


@pytest.fixture(scope="module")
def queue() -> Iterator[rabbitmq.RabbitMQ]:
    if not rabbitmq.is_installed():
        pytest.skip("RABBITMQ'S PAGES ARE NOT LOOKED AT: it is not installed")
    with rabbitmq.running(has_roles=True, has_pages=True) as server:
        yield server


@pytest.fixture(scope="module")
def mlops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the trainings of one run of two."""
    python = Path(os.environ.get(PYTHON) or Path(sys.prefix) / "synergos-mlops" / "bin" / "python")
    if not python.exists():
        pytest.skip(f"MLFLOW'S PAGES ARE NOT LOOKED AT: {PYTHON} names no Python that has them")
    with mlflow_server.tracking_server(tmp_path_factory.mktemp("mlops"), python=str(python)) as port:
        address = f"http://127.0.0.1:{port}"
        api = f"{address}/api/2.0/mlflow"
        made = requests.post(f"{api}/experiments/create", json={"name": "c_>_p_>_e"}, timeout=60).json()
        for job, name in (("9a", "training_of_r"), ("7b", "training_of_another")):
            run = {"experiment_id": made["experiment_id"], "run_name": name, "start_time": 1_750_000_000_000}
            tags = [{"key": "synergos.job", "value": job}]
            assert requests.post(f"{api}/runs/create", json={**run, "tags": tags}, timeout=60).ok
        yield address


@pytest.fixture(scope="module")
def portal(
    chromium: Browser, queue: rabbitmq.RabbitMQ, mlops: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPortal]:
    user, password = queue.credentials(ADMINISTRATOR)
    flags = ["--mlops", mlops, "--queue_pages", f"http://127.0.0.1:{queue.pages}"]
    flags += ["--queue_user", user, "--queue_password_file", str(password)]
    with shown_tool() as orchestrator:
        orchestrator.answers |= {
            "/health": as_json({"status": "ok", "component": "ttp", "id": "t", "accounts": "off"}),
            "/ttp/jobs": answer([_JOB]),
            "/ttp/jobs/9a": answer(_JOB),
            "/ttp/connect/collaborations/c": answer({}),
        }
        with running(tmp_path_factory.mktemp("portal"), orchestrator.url, flags) as found:
            yield found


def shows(page: Page, key: str, text: str) -> None:
    expect(page.locator(f'[data-key="{key}"]').frame_locator("iframe").locator("body")).to_contain_text(text)


@pytest.fixture
def page(portal: RunningPortal, visitor: Visitor) -> Page:
    visitor.origins |= portal.origins
    # Of their own pages: who is signed in at a server without accounts, and what a library of theirs thinks of them.
    visitor.expected |= {"404", "Sammy", "AG Grid"}
    visitor.open(f"{portal.track}/station?job=9a")
    return visitor.page


def test_mlflow_opens_at_the_trainings_of_the_followed_job(page: Page) -> None:
    shows(page, "mlops", "training_of_r")
    frame = page.locator('[data-key="mlops"]').frame_locator("iframe").locator("body")
    assert "training_of_another" not in frame.inner_text()


def test_the_queues_are_seen_without_a_password_that_a_browser_could_have(
    page: Page, queue: rabbitmq.RabbitMQ, portal: RunningPortal
) -> None:
    shows(page, "queue", "All queues")

    user, file = queue.credentials(ADMINISTRATOR)
    password = file.read_text().strip()
    kept = str(page.context.cookies()) + page.evaluate("JSON.stringify(localStorage)")
    for secret in (password, b64encode(f"{user}:{password}".encode()).decode()):
        assert secret not in kept
        assert all(secret not in frame.content() for frame in page.frames)
        assert secret not in Path(portal.program.log).read_text()


def test_a_queue_that_is_killed_says_so_and_its_pages_come_back_by_themselves(
    page: Page, queue: rabbitmq.RabbitMQ, visitor: Visitor
) -> None:
    visitor.expected |= {"502", "503", "500"}
    shows(page, "queue", "All queues")
    queue.kill()
    try:
        trouble = page.locator('[data-key="queue"] .station-trouble')
        expect(trouble).to_contain_text("RabbitMQ does not answer at")
        shows(page, "mlops", "training_of_r")
    finally:
        queue.start()
    expect(trouble).to_be_hidden()
    shows(page, "queue", "All queues")
