"""OpenID providers that a test starts for itself: the real one that node runs, on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from support.waiting import DEADLINE, until
from synergos_simulator.grid import FreePorts

SCRIPT = Path(__file__).parent / "openid" / "provider.mjs"
MODULES = Path(sys.prefix) / "openid" / "node_modules"
"""Where tests/run.sh installs it, in the very versions that ``openid/package-lock.json`` has."""


def is_there() -> bool:
    """Whether there is one to start."""
    return shutil.which("node") is not None and (MODULES / "oidc-provider").is_dir()


@dataclass(frozen=True)
class OpenIdProvider:
    """A provider of one site.

    Attributes:
        site: its client's id, and the subject of its tokens.
    """

    site: str
    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, audience: str) -> str:
        """A token that the site's client is given when it signs in."""
        asked = {"grant_type": "client_credentials", "resource": audience, "scope": "federate"}
        answer = requests.post(
            f"{self.issuer}/token", data=asked, auth=(self.site, f"secret-of-{self.site}"), timeout=DEADLINE
        )
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token


@contextmanager
def openid_provider(site: str, claims: Mapping[str, Any], folder: Path) -> Iterator[OpenIdProvider]:
    """One that runs until the end; what it says of its client besides."""
    port = FreePorts()()
    command = ["node", str(SCRIPT), str(MODULES), str(port), site]
    environment = {**os.environ, "EXTRA_CLAIMS": json.dumps(claims)}
    with (folder / f"{site}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        provider = OpenIdProvider(site, port)
        until(lambda: process.poll() is not None or _answers(provider), f"the provider of {site} to listen")
        assert process.poll() is None, (folder / f"{site}.log").read_text()
        yield provider
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _answers(provider: OpenIdProvider) -> bool:
    try:
        return requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=5).ok
    except requests.RequestException:
        return False
