"""A copy of the repository's ``cleanup.sh`` with the folders it empties, and a docker that does as it is told."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (
    "metadata/mlflow_data",
    "metadata/orchestrator_data",
    "metadata/worker_1_key",
    "metadata/worker_2_key",
    "outputs/orchestrator_outputs",
    "outputs/worker_1_outputs",
    "outputs/worker_2_outputs",
    "outputs/worker_1_node_2_outputs",
    "outputs/worker_2_node_2_outputs",
)
LASTING = (
    "metadata/queue_credentials",
    "metadata/log_server_secrets",
    "metadata/dashboard_secrets",
    "metadata/secure",
    "metadata/portal",
)
"""What opens what is kept, and is removed with it."""
OWN = ("metadata/log_server_ca",)
"""What people put there, and no grid."""
LASTING_VOLUMES = (
    *("synergos_plus_log_server_settings", "synergos_plus_log_server_messages", "synergos_plus_log_server_journal"),
    *("synergos_cluster_log_server_settings", "synergos_cluster_log_server_messages"),
    *("synergos_cluster_log_server_journal", "synergos_plus_metrics", "synergos_cluster_metrics"),
    *("synergos_plus_dashboards", "synergos_cluster_dashboards"),
)
QUEUE = "synergos_cluster_queue_messages"
NOBODY = 65534
DEADLINE = 60


class Checkout:
    """A repository with nothing but the script and the folders it empties."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.simulator = root / "simulator"
        for target in (*TARGETS, *LASTING):
            (self.simulator / target).mkdir(parents=True)
            (self.simulator / target / "README.md").write_text("stays")
        shutil.copy(ROOT / "cleanup.sh", root)
        self.programs = root.parent / "programs"
        self.programs.mkdir()
        self.volumes = root.parent / "volumes"
        self.run_containers("")

    def write(self, path: str, text: str = "left by a grid") -> Path:
        """A file below the simulator, with its folders."""
        file = self.simulator / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run_containers(self, names: str) -> None:
        """Put a docker on the path that knows these running containers, one in each line."""
        self.have_docker(f'case "$1" in ps) printf "{names}" ;; esac')

    def keep_volumes(self, *names: str, in_use: str = "none") -> None:
        """Put a docker on the path that keeps these volumes in a file, and removes them but for one."""
        self.volumes.write_text("".join(f"{name}\n" for name in names))
        of_volume = f"""case "$1 $2 $3" in
            "volume ls"*) cat '{self.volumes}' ;;
            "volume rm {in_use}") echo "volume is in use" >&2; exit 1 ;;
            "volume rm"*) sed -i "/^$3\\$/d" '{self.volumes}' ;;
        esac"""
        self.have_docker(of_volume)

    def have_docker(self, script: str) -> None:
        docker = self.programs / "docker"
        docker.write_text(f"#!/bin/sh\n{script}\n")
        docker.chmod(0o755)

    def lose_docker(self) -> None:
        """Put a docker on the path whose engine does not answer."""
        self.have_docker('echo "Cannot connect to the Docker daemon" >&2; exit 1')

    def clean(
        self, *options: str, user: int | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the script from elsewhere, with nobody to ask."""
        return subprocess.run(
            [str(self.root / "cleanup.sh"), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={**self._environment(), **(settings or {})},
            user=user,
            timeout=DEADLINE,
            check=False,
        )

    def clean_without_privileges(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the script as somebody who owns all of this, and is not above permissions."""
        if os.geteuid() != 0:
            return self.clean(*options)
        for path in [self.root, *self.root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        return self.clean(*options, user=NOBODY)

    def clean_at_a_terminal(self, keys: bytes) -> subprocess.CompletedProcess[str]:
        """Run the script with somebody at the keyboard."""
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, keys)
            return subprocess.run(
                [str(self.root / "cleanup.sh")],
                stdin=terminal,
                capture_output=True,
                text=True,
                env=self._environment(),
                timeout=DEADLINE,
                check=False,
            )
        finally:
            os.close(keyboard)
            os.close(terminal)

    def leavings(self) -> set[str]:
        """What is there apart from the README of each target."""
        kept = {self.simulator / target / "README.md" for target in TARGETS}
        found = {path for target in TARGETS for path in (self.simulator / target).rglob("*")}
        assert kept <= found, "a README was removed"
        return {str(path.relative_to(self.simulator)) for path in found - kept}

    def _environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if name != "SYNERGOS_FOLDER"}
        return {**outside, "PATH": f"{self.programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
