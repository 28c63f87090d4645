"""A Docker engine: the machine's own, or one that the tests start; and what they do with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT.parent / "shared" / "tools" / "docker-engine"
"""Starts an engine and makes base images, on machines that have neither."""
BUILD_SECONDS = 1200


def run(*command: str, seconds: float = 120, env: dict[str, str] | None = None, cwd: Path = ROOT) -> str:
    """What a command prints; its error output is in the failure when it does not end with 0."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=cwd, env=env, check=False)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


def docker(*arguments: str, seconds: float = 120) -> str:
    """What ``docker`` prints."""
    return run("docker", *arguments, seconds=seconds)


def is_running() -> bool:
    """Whether an engine answers."""
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False).returncode == 0
    except FileNotFoundError:
        return False


def start() -> bool:
    """Start an engine where there is none, with base images where they cannot be pulled; whether there is one now."""
    if STARTER.is_file():
        run(str(STARTER), "up", seconds=300)
        run(str(STARTER), "bases", seconds=600)
    return is_running()


def compose_command() -> list[str]:
    """Docker Compose, whichever of its two forms is installed."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]


def build(dockerfile: str, tag: str, *options: str, context: Path = ROOT) -> None:
    """Build an image as the documentation says."""
    where = ("--network", "host", "-f", str(context / dockerfile), "-t", tag)
    docker("build", *where, *options, str(context), seconds=BUILD_SECONDS)


@dataclass(frozen=True)
class Container:
    """A container by its name."""

    name: str

    @classmethod
    def started(cls, name: str, image: str, *arguments: str, options: tuple[str, ...] = ()) -> Container:
        """Run an image in the background, as ``docker run`` does with these options and arguments."""
        docker("run", "--detach", "--name", name, *options, image, *arguments)
        return cls(name)

    def inspect(self) -> dict[str, Any]:
        """What the engine knows."""
        [found] = json.loads(docker("inspect", self.name))
        return dict(found)

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return _exit_code(self.inspect()["State"])

    @property
    def host(self) -> str:
        """One of its own addresses."""
        networks = self.inspect()["NetworkSettings"]["Networks"]
        return next(str(each["IPAddress"]) for each in networks.values())

    @property
    def log(self) -> str:
        """Both of its outputs."""
        ended = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, timeout=60, check=False)
        return ended.stdout + ended.stderr

    def wait_until_healthy(self) -> None:
        """Wait for its health check to find it well."""

        def is_well() -> bool:
            # One look for both: each starts a client of the engine's.
            state = self.inspect()["State"]
            assert _exit_code(state) is None, self.log[-4000:]
            return bool(state["Health"]["Status"] == "healthy")

        # Its health check is made every few seconds.
        until(is_well, f"{self.name} to be healthy", every=0.5)

    def wait_until_it_answers(self, address: str) -> None:
        """Wait for ``/health`` at an address; sooner than its health check."""

        def answers() -> bool:
            assert self.exit_code is None, self.log[-4000:]
            try:
                return requests.get(f"{address}/health", timeout=5).ok
            except requests.RequestException:
                return False

        until(answers, f"{self.name} to answer at {address}")

    def main_process(self) -> dict[str, str]:
        """What the kernel says of its first process: ``Uid``, ``NoNewPrivs``, ``CapEff``, …"""
        lines = docker("exec", self.name, "cat", "/proc/1/status").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def command_line(self) -> list[str]:
        """The arguments of its first process."""
        return docker("exec", self.name, "cat", "/proc/1/cmdline").rstrip("\0").split("\0")

    def stop(self) -> int:
        """Ask it to end, as ``docker stop`` does by default, and see how it does."""
        [code] = stop_all([self]).values()
        return code

    def remove(self) -> None:
        """End it and forget it, with the volumes that are only its own."""
        subprocess.run(
            ["docker", "rm", "--force", "--volumes", self.name], capture_output=True, timeout=60, check=False
        )


def stop_all(containers: Iterable[Container]) -> dict[str, int]:
    """Ask all of them to end at once, as ``docker stop`` does, and see how each does, by its name."""
    named = {container.name: container for container in containers}
    # Only a mistake takes so long, also on a busy machine that ends several.
    docker("stop", "--time", "120", *named, seconds=180)
    ended = {name: container.exit_code for name, container in named.items()}
    return {name: code for name, code in ended.items() if code is not None}


def _exit_code(state: Mapping[str, Any]) -> int | None:
    return None if state["Running"] else int(state["ExitCode"])
