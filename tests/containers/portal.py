"""The portal beside a grid in containers: its three services as a browser on this machine reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from containers.engine import Container
from containers.grids import ComposeGrid
from fakes.portal import tokens_of

PORTS = {"nav": 4000, "view": 4001, "track": 4002}
"""On the host, of each service."""
FIRST_PAGES = {"nav": "/home", "view": "/collaborations", "track": "/station"}
_TOOLS = {
    "mlops": "<title>MLflow</title>",
    "queue": "<title>RabbitMQ Management</title>",
    "logs": "shown at {track}/tools/logs/",
}
"""What is to be read on the first page of each program that the station shows; what stands in Graylog's place says what it was told."""
_BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Portal:
    """The three services, and one browser that keeps its cookies.

    Attributes:
        scheme: by which they are reached.
    """

    scheme: str = "http"
    browser: requests.Session = field(default_factory=requests.Session)

    def address(self, service: str) -> str:
        """The beginning of all addresses of a service."""
        return f"{self.scheme}://127.0.0.1:{PORTS[service]}"

    def get(self, service: str, path: str) -> requests.Response:
        """Read a page."""
        return self.browser.get(f"{self.address(service)}{path}", headers=_BROWSER, timeout=30)

    def send(self, service: str, path: str, values: Mapping[str, str], form: str | None = None) -> requests.Response:
        """Send a form.

        Args:
            form: the page that it is on, if that has another path.
        """
        tokens = tokens_of(self.get(service, form or path).text)
        sent = {**tokens, **values}
        return self.browser.post(f"{self.address(service)}{path}", sent, headers=_BROWSER, timeout=30)

    def refuse_strays(self) -> None:
        """Fail unless the first page of each service is shown, by its policy, and links lead to the other two as a browser reaches them."""
        firsts = {service: f"{self.address(service)}{path}" for service, path in FIRST_PAGES.items()}
        for service, path in FIRST_PAGES.items():
            answer = self.get(service, path)
            assert answer.ok, f"{service}: {answer.status_code}"
            assert answer.url == firsts[service]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            others = {address for other, address in firsts.items() if other != service}
            assert others <= set(answer.text.split('"')), service

    def refuse_missing_tools(self, *names: str) -> None:
        """Fail unless the station shows the pages of these programs, to itself alone."""
        for name in names:
            answer = self.get("track", f"/tools/{name}/")
            assert _TOOLS[name].format(track=self.address("track")) in answer.text, f"{name}: {answer.status_code}"
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
            assert "X-Frame-Options" not in answer.headers


@contextmanager
def portal(grid: ComposeGrid, authority: Path | None = None) -> Iterator[Portal]:
    """The portal of a grid that runs, inside the ``with`` block, healthy.

    Args:
        authority: who vouches for its certificates; None where it speaks no TLS.
    """
    services = [f"synergos_portal_{name}" for name in PORTS]
    grid.compose("up", "--detach", "--no-deps", *services)
    try:
        for name in PORTS:
            Container(f"{grid.prefix}_portal_{name}").wait_until_healthy()
        with requests.Session() as browser:
            # Else what the environment says of proxies and authorities would go before.
            browser.trust_env = False
            browser.verify = True if authority is None else str(authority)
            yield Portal("http" if authority is None else "https", browser)
    finally:
        grid.compose("rm", "--stop", "--force", *services)
