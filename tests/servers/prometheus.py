"""A Prometheus of the tests' own on loopback, and its promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from support.waiting import DEADLINE, until
from synergos_simulator.grid import HOST, FreePorts

Labels = Mapping[str, str]


def is_installed() -> bool:
    """Whether there is one to be started, and its promtool."""
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


def promtool(*arguments: str | Path, given: str | None = None) -> str:
    """What promtool says, which has to be content; with ``given`` on its standard input."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=given, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._address = f"http://{HOST}:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, query: str) -> list[tuple[Labels, float]]:
        """The labels and values that a query has now."""
        found = self._get("query", query=query)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def names(self) -> set[str]:
        """The names of all that it has."""
        return set(self._get("label/__name__/values"))

    def targets(self) -> list[dict[str, Any]]:
        """All that is scraped."""
        found: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """All rules, and how they went."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    @property
    def is_ready(self) -> bool:
        """Whether it takes questions."""
        try:
            return self._session.get(f"{self._address}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _get(self, what: str, **parameters: str) -> Any:
        answer = self._session.get(f"{self._address}/api/v1/{what}", params=parameters, timeout=DEADLINE).json()
        assert answer["status"] == "success", answer
        return answer["data"]


@contextmanager
def running(folder: Path, configuration: Path) -> Iterator[Prometheus]:
    """One that runs inside the ``with`` block.

    Args:
        folder: where it keeps what it reads.
    """
    port = FreePorts()()
    # Not even a test run that is killed leaves a server behind.
    command = ["setpriv", "--pdeathsig", "KILL", "prometheus", f"--config.file={configuration}"]
    own = [f"--storage.tsdb.path={folder / 'read'}", f"--web.listen-address={HOST}:{port}", "--log.level=warn"]
    log = folder / "prometheus.log"
    with log.open("wb") as file:
        process = subprocess.Popen([*command, *own], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    server = Prometheus(port)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return server.is_ready

    try:
        until(is_ready, "Prometheus to be ready")
        yield server
    finally:
        process.kill()
        process.wait(DEADLINE)
