from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from factories.worker_data import wine, write_frame
from networks.link import Faults, Link, hosts, why_not, within
from networks.site import ADDRESSES, PORTS, Site
from support.any_model import allow_any_model
from support.waiting import DEADLINE, until
from synergos.domain.grid import Node


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A worker on a host of its own, and the line to it."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("site")
    frame = wine()
    write_frame(folder / "data", ["train"], frame[:100])
    write_frame(folder / "data", ["evaluate"], frame[100:])
    with hosts("orchestrator", "hospital") as (orchestrator, hospital):
        link = Link((orchestrator, hospital), ADDRESSES, f"syn{os.getpid()}")
        worker = _worker(folder, hospital)
        try:
            with within(orchestrator):
                until(_is_there, "the worker to answer")
            yield Site(link, orchestrator, Node("worker_1", ADDRESSES[1], *PORTS), folder)
        finally:
            worker.terminate()
            worker.wait(DEADLINE)
            link.close()


@pytest.fixture
def line(site: Site) -> Iterator[Site]:
    """The same, the line good until a test says otherwise."""
    site.link.become(Faults())
    yield site
    site.link.become(Faults())


def _worker(folder: Path, host: str) -> subprocess.Popen[bytes]:
    flags = ["--id", "worker_1", "--host", ADDRESSES[1], "--port", str(PORTS[0]), "--data_port", str(PORTS[1])]
    folders = ["--data", str(folder / "data"), "--outputs", str(folder / "outputs")]
    command = [sys.executable, "-m", "synergos_worker", *flags, *folders, "--trust", "any", "--disclosure", "open"]
    command += ["--allow_hosts", "127.0.0.1"]
    environment = dict(os.environ)
    allow_any_model(folder, environment)
    with within(host), (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _is_there() -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{ADDRESSES[1]}:{PORTS[0]}/health", timeout=10.0) as answer:
        return bool(answer.status == 200)
    return False
