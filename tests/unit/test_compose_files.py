"""What the compose files deny their containers, and who reaches whom in them."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = ("docker-compose-synbasic.yml", "docker-compose-synplus.yml", "docker-compose-syncluster.yml")
MADE_READY = ("synergos_setup", "synergos_permit", "synergos_queue_key")
SECURE = "docker-compose-secure.yml"
OF_ROOT = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
"""What an entrypoint needs to hand folders over and to become somebody else."""
OF_OTHERS = {"synergos_logger": {"NET_BIND_SERVICE"}}
"""What others' images are not started without."""


@cache
def parsed(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return found


def services(file: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = parsed(file)["services"]
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_container_is_confined(file: str) -> None:
    for name, service in services(file).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", ())) <= OF_ROOT | OF_OTHERS.get(name, set()), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] <= 1024, name
        assert service["mem_limit"], name
        assert service["cpus"] == "${SYNERGOS_CPUS:-0}", name


def test_what_is_over_the_cluster_gives_no_container_more_than_it_had() -> None:
    over, own = services(SECURE), services("docker-compose-syncluster.yml")
    changed = {
        name: set(service) - {"command", "depends_on", "environment", "healthcheck", "volumes"}
        for name, service in over.items()
    }

    assert {name for name in over if name not in own} == set(MADE_READY)
    assert all(not more for name, more in changed.items() if name in own), changed
    for name in MADE_READY:
        assert (over[name]["read_only"], over[name]["cap_drop"], over[name]["network_mode"]) == (True, ["ALL"], "none")
        assert set(over[name]["cap_add"]) <= OF_ROOT
        assert over[name]["security_opt"] == ["no-new-privileges:true"]
        assert over[name]["mem_limit"]


def test_what_is_over_the_cluster_is_built_as_the_cluster_builds_it() -> None:
    """Nobody has built an image before the grid is started for the first time, and none of its own is pulled from anywhere."""
    built = {
        each["image"]: each["build"] for each in services("docker-compose-syncluster.yml").values() if "build" in each
    }

    over = services(SECURE)
    assert {name: over[name]["build"] for name in MADE_READY} == {
        name: built[over[name]["image"]] for name in MADE_READY
    }


def test_images_are_built_alike_in_all_files_from_what_there_is() -> None:
    """One file is built by Docker Compose where tests have an engine, and its images are given the others' names."""
    builds: dict[str, list[dict[str, Any]]] = {}
    for file in FILES:
        for service in services(file).values():
            if "build" in service:
                name, grid = service["image"].split(":")
                # A cluster's TTP is told that it is one.
                builds.setdefault(f"{name}:{grid}" if name.endswith("ttp") and "cluster" in grid else name, []).append(
                    service["build"]
                )

    assert len(builds) == 7
    assert all(each == alike[0] for alike in builds.values() for each in alike)
    for [build, *_] in builds.values():
        text = (ROOT / build["context"] / build["dockerfile"]).read_text()
        assert "target" not in build or f" AS {build['target']}\n" in text, build
        assert build["args"].keys() <= set(re.findall(r"^ARG (\w+)=", text, re.MULTILINE)), build


def test_each_program_is_shown_its_own_key_alone() -> None:
    shown = {
        name: [
            volume.split(":/run/synergos_tls")[0].rpartition("/")[2]
            for volume in service["volumes"]
            if "/run/synergos_tls" in volume
        ]
        for name, service in services(SECURE).items()
    }
    programs = {name: folders for name, folders in shown.items() if folders and name not in MADE_READY}

    assert all(len(folders) == 1 for folders in programs.values())
    assert len({folder for [folder] in programs.values()}) == len(programs) == 12


def test_no_worker_of_it_listens_or_trusts_anybody() -> None:
    workers = {name: service["environment"] for name, service in services(SECURE).items() if "worker" in name}

    assert {each["SYNERGOS_UNLISTED"] for each in workers.values()} == {"deny"}
    assert {each["SYNERGOS_TRUST"] for each in workers.values()} == {"/run/synergos_trust/fingerprints"}
    assert {each["SYNERGOS_JOIN"] for each in workers.values()} == {"172.20.0.3:5010", "172.20.0.6:5010"}


@pytest.mark.parametrize("file", FILES)
def test_every_container_is_named_by_its_grid(file: str) -> None:
    """Names are the host's: another one of ``mongo`` may well be there."""
    prefix = f"syn{file.removeprefix('docker-compose-syn')[0]}_"

    assert all(service["container_name"].startswith(prefix) for service in services(file).values())


@pytest.mark.parametrize("file", FILES[1:])
def test_the_log_server_has_less_of_a_busy_machine_than_programs(file: str) -> None:
    shares = {name: service.get("cpu_shares", 1024) for name, service in services(file).items()}

    assert {name for name, share in shares.items() if share < 1024} >= {"mongo", "opensearch", "synergos_logger"}
    assert all(share == 1024 for name, share in shares.items() if "worker" in name or "_ttp" in name)


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
    queue = {name for name, service in cluster.items() if networks(service) & networks(cluster["synergos_mq"])}
    assert queue == {"synergos_mq", "synergos_director", "synergos_ttp_1", "synergos_ttp_2", "synergos_portal_track"}
    for file in FILES[1:]:
        grid = services(file)
        stores = networks(grid["mongo"]) | networks(grid["opensearch"])
        reaching = {name for name, service in grid.items() if networks(service) & stores}
        assert reaching == {"mongo", "opensearch", "synergos_logger"}
        own = {name for name, service in grid.items() if name != "synergos_logger" and "worker" in name}
        assert all(networks(grid[name]) & networks(grid["synergos_logger"]) == {"synergos_logs"} for name in own)


def test_every_network_has_a_place_of_its_own() -> None:
    # One without would be given whatever is free when it is made, perhaps where another is to be.
    grids = [parsed(file)["networks"] for file in FILES]
    subnets = [ip_network(each["ipam"]["config"][0]["subnet"]) for grid in grids for each in grid.values()]

    assert [pair for pair in combinations(subnets, 2) if pair[0].overlaps(pair[1])] == []


def test_a_ttp_is_never_shown_the_directors_user_of_the_queue() -> None:
    cluster = services("docker-compose-syncluster.yml")
    shown = {
        name: source.rpartition("queue_credentials")[2]
        for name, service in cluster.items()
        for source, _, _ in (mount.rpartition(":/run/synergos_queue") for mount in service.get("volumes", ()))
        if source
    }

    assert shown == {
        "synergos_director": "/director",
        "synergos_ttp_1": "/ttp",
        "synergos_ttp_2": "/ttp",
        "synergos_mq_credentials": "",
        "synergos_mq": "",
    }


@pytest.mark.parametrize("file", FILES)
def test_the_portal_is_three_services_of_one_image_at_the_addresses_kept_for_it(file: str) -> None:
    grid = services(file)
    portal = {name.removeprefix("synergos_portal_"): grid[name] for name in grid if "portal" in name}
    [own] = {f"synergos_{file.removeprefix('docker-compose-syn').removesuffix('.yml')}"}
    first = 9 if "cluster" in file else 5

    assert set(portal) == {"nav", "view", "track"}
    assert len({service["image"] for service in portal.values()}) == 1
    assert all(service["build"]["target"] == "portal" for service in portal.values())
    for after, (name, service) in enumerate((name, portal[name]) for name in ("nav", "view", "track")):
        assert service["command"].startswith(f"{name} "), name
        assert service["ports"] == [f"${{SYNERGOS_BIND:-127.0.0.1}}:{4000 + after}:4000"]
        assert service["networks"][own]["ipv4_address"].endswith(f".0.{first + after}")
        assert service["environment"][f"{name.upper()}_PORT"].endswith(f":-{4000 + after}}}")
        assert {mount.rpartition(":")[2] for mount in service["volumes"]} == {"/portal/outputs"}
    assert networks(portal["nav"]) == networks(portal["view"]) == {own}
    assert ("--mlops" in portal["track"]["command"]) == (file != FILES[0])
    assert ("--queue_pages" in portal["track"]["command"]) == (file == FILES[2])


ONCE = ("synergos_log_secrets", "synergos_mq_credentials", "synergos_dashboard_secrets")
"""What has something to do at the beginning only."""
OWN_IMAGES = {path.name: path for path in (*ROOT.glob("docker/*Dockerfile"), ROOT / "manager" / "Dockerfile_mq")}


def conditions(service: dict[str, Any]) -> dict[str, str]:
    return {name: wanted["condition"] for name, wanted in service.get("depends_on", {}).items()}


@pytest.mark.parametrize("file", FILES)
def test_everything_that_goes_on_says_whether_it_is_well_and_is_waited_for_until_it_is(file: str) -> None:
    grid = services(file)
    for name, service in grid.items():
        if name not in ONCE:
            built = service.get("build", {}).get("dockerfile", "").rpartition("/")[2]
            assert "healthcheck" in service or "HEALTHCHECK" in OWN_IMAGES[built].read_text(), name
        for other, condition in conditions(service).items():
            assert condition == ("service_completed_successfully" if other in ONCE else "service_healthy"), name


@pytest.mark.parametrize("file", [*FILES, SECURE])
def test_on_a_busy_machine_each_has_five_minutes_until_it_is_well(file: str) -> None:
    """Docker looks at an image's own check for as long as it says, and a grid is given up once one of its containers is not well."""
    for name, service in services(file).items():
        if "interval" in (check := service.get("healthcheck", {})):
            told = {key: int(str(check.get(key, "0s")).rstrip("s")) for key in ("interval", "retries", "start_period")}
            assert told["start_period"] + told["interval"] * told["retries"] >= 300, name


@pytest.mark.parametrize("image", OWN_IMAGES)
def test_so_has_each_image(image: str) -> None:
    checks = re.findall(r"^HEALTHCHECK .*", OWN_IMAGES[image].read_text(), re.MULTILINE)

    assert checks
    assert all("--start-period=300s" in check for check in checks)


def test_programs_wait_for_what_they_cannot_do_without_and_never_for_the_log_server() -> None:
    plus, cluster = services(FILES[1]), services(FILES[2])

    assert set(conditions(plus["synergos_ttp_basic"])) == {"synergos_worker_1", "synergos_worker_2", "synergos_mlops"}
    assert set(conditions(cluster["synergos_ttp_1"])) == {
        *("synergos_mq", "synergos_mlops", "synergos_worker_1_node_1", "synergos_worker_2_node_1"),
    }
    for grid in (plus, cluster):
        assert not any("synergos_logger" in conditions(service) for service in grid.values())
        assert {"mongo", "opensearch", "synergos_log_secrets"} <= set(conditions(grid["synergos_logger"]))


@pytest.mark.parametrize("file", FILES)
def test_no_container_fills_the_disk_with_what_it_says(file: str) -> None:
    for name, service in services(file).items():
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}, name


LASTING = {
    "mongo": "/data/db",
    "opensearch": "/usr/share/opensearch/data",
    "synergos_logger": "/usr/share/graylog/data",
    "synergos_mlops": "/mlflow",
    "synergos_mq": "/var/lib/rabbitmq",
    "synergos_director": "/orchestrator/data",
    "synergos_ttp_basic": "/orchestrator/data",
}
"""Where each keeps what is to outlive its container."""


@pytest.mark.parametrize("file", FILES[1:])
def test_what_must_last_is_in_a_named_volume_or_a_folder_of_the_host(file: str) -> None:
    text = parsed(file)

    for name, place in LASTING.items():
        if name in text["services"]:
            mounts = dict(
                reversed(mount.removesuffix(":ro").rsplit(":", 1))
                for mount in text["services"][name]["volumes"]
                if ":" in mount
            )
            assert mounts[place] in text["volumes"] or mounts[place].startswith("${SYNERGOS_FOLDER:-./simulator}/"), (
                name
            )
    assert all(volume["name"].startswith("synergos_") for volume in text["volumes"].values())


@pytest.mark.parametrize("file", FILES[1:])
def test_every_program_logs_to_the_log_server_at_the_port_of_its_kind(file: str) -> None:
    grid = services(file)
    ports = {"director": "9200", "ttp": "9300", "worker": "9400"}
    address = grid["synergos_logger"]["networks"]["synergos_logs"]["ipv4_address"]
    programs = {name: service for name, service in grid.items() if "-l " in str(service.get("command", ""))}

    assert len(programs) == (3 if "plus" in file else 7)
    for name, service in programs.items():
        port = ports[name.split("_")[1]]
        assert f"-l graylog {address} {port} ${{SYNERGOS_LOG_FLAGS:-}} -r 5" in service["command"], name
        assert "synergos_logs" in networks(service), name


@pytest.mark.parametrize("file", FILES)
def test_every_worker_is_of_the_participant_that_the_notebooks_register(file: str) -> None:
    workers = {name: service["command"] for name, service in services(file).items() if "worker" in name}

    assert workers
    for name, command in workers.items():
        assert f"--participant {'_'.join(name.split('_')[1:3])} " in command, name


@pytest.mark.parametrize("file", FILES)
def test_only_who_writes_to_the_tracking_server_and_itself_have_its_password(file: str) -> None:
    having = {
        name for name, service in services(file).items() if "MLFLOW_TRACKING_PASSWORD" in service.get("environment", {})
    }

    asked = {name for name in services(file) if name == "synergos_mlops"}
    assert having == (asked | {name for name in services(file) if "_ttp" in name} if asked else set())


def test_all_that_images_are_made_of_is_sent_to_their_builder() -> None:
    wanted: set[str] = set()
    for line in (ROOT / "docker" / "Dockerfile").read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--"):
            wanted.update(word.rstrip("/") for word in words[1:-1])
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {one for one in wanted if one not in sent and one.partition("/")[0] not in sent} == set()
