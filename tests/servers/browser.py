"""A headless Chromium, driven by Debian's chromedriver over the protocol that all browsers have (W3C WebDriver)."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from support.waiting import DEADLINE, until
from synergos_simulator.grid import FreePorts

_OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"]


def is_installed() -> bool:
    """Whether there is one."""
    return shutil.which("chromedriver") is not None


@dataclass(frozen=True)
class Browser:
    """One window.

    Attributes:
        session: the address of its commands.
    """

    session: str

    def open(self, address: str) -> None:
        """Go to a page."""
        self._post("url", {"url": address})

    def evaluate(self, expression: str) -> Any:
        """What JavaScript finds in the page."""
        return self._post("execute/sync", {"script": f"return {expression}", "args": []})

    @property
    def text(self) -> str:
        """All that is to be read."""
        return str(self.evaluate("document.body.innerText"))

    def count(self, selector: str) -> int:
        """How many elements there are like this."""
        return int(self.evaluate(f"document.querySelectorAll({selector!r}).length"))

    def wait_for(self, *words: str) -> None:
        """Wait until all of these are to be read."""
        until(lambda: all(word in self.text for word in words), f"{words} to be shown", every=0.2)

    def screenshot(self, file: Path) -> None:
        """What a person would see, as PNG."""
        answer = requests.get(f"{self.session}/screenshot", timeout=DEADLINE)
        file.write_bytes(base64.b64decode(answer.json()["value"]))

    def _post(self, command: str, body: object) -> Any:
        answer = requests.post(f"{self.session}/{command}", json=body, timeout=DEADLINE)
        assert answer.ok, answer.text[:1000]
        return answer.json()["value"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that runs inside the ``with`` block."""
    port = FreePorts()()
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _is_ready(address), "the browser's driver to be ready")
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": _OPTIONS}}}}
        begun = requests.post(f"{address}/session", json=wanted, timeout=DEADLINE).json()
        session = f"{address}/session/{begun['value']['sessionId']}"
        try:
            yield Browser(session)
        finally:
            requests.delete(session, timeout=DEADLINE)
    finally:
        driver.terminate()
        driver.wait(DEADLINE)


def _is_ready(address: str) -> bool:
    with suppress(requests.RequestException):
        return bool(requests.get(f"{address}/status", timeout=5).json()["value"]["ready"])
    return False
