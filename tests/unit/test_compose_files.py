"""What the compose files deny their containers, and who reaches whom in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = ("docker-compose-synbasic.yml", "docker-compose-synplus.yml", "docker-compose-syncluster.yml")
OF_ROOT = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
"""What an entrypoint needs to hand folders over and to become somebody else."""


def services(file: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / file).read_text())["services"]
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_container_is_confined(file: str) -> None:
    for name, service in services(file).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", ())) <= OF_ROOT, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] <= 1024, name
        assert service["mem_limit"], name


@pytest.mark.parametrize("file", FILES)
def test_no_secret_is_written_down(file: str) -> None:
    text = (ROOT / file).read_text()

    assert "guest" not in text
    for service in services(file).values():
        secrets = {name: value for name, value in service.get("environment", {}).items() if "PASS" in name}
        assert all(value.endswith(":-}") or value.startswith("/") for value in secrets.values()), secrets


def test_base_images_can_be_named_by_their_digests() -> None:
    for path in (
        ROOT / "docker" / "Dockerfile",
        ROOT / "docker" / "mlops.Dockerfile",
        ROOT / "manager" / "Dockerfile_mq",
    ):
        bases = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("FROM ")]
        stages = {line.split()[-1] for line in path.read_text().splitlines() if line.startswith("FROM ")}
        assert all(base.startswith("$") or base in stages for base in bases), path
    for file in FILES:
        for name, service in services(file).items():
            assert "build" in service or service["image"].startswith(("${", "synergos_")), name


def networks(service: dict[str, Any]) -> set[str]:
    return set(service.get("networks", ()))


def test_workers_have_no_way_to_the_queue_and_programs_none_to_what_the_log_server_stores() -> None:
    cluster = services("docker-compose-syncluster.yml")
    workers = {name: networks(service) for name, service in cluster.items() if "worker" in name}

    assert len(workers) == 4
    assert all(not found & networks(cluster["synergos_mq"]) for found in workers.values())
    for file in FILES[1:]:
        grid = services(file)
        stores = networks(grid["mongo"]) | networks(grid["elasticsearch"])
        reaching = {name for name, service in grid.items() if networks(service) & stores}
        assert reaching == {"mongo", "elasticsearch", "synergos_logger"}
        own = {name for name, service in grid.items() if name != "synergos_logger" and "worker" in name}
        assert all(networks(grid[name]) & networks(grid["synergos_logger"]) == {"synergos_logs"} for name in own)
