"""The launch commands in the documentation of the original's components: of each image those that mount other folders or say more.

The others, and the short spelling of flags, are in tests/unit/test_launch_flags.py.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from containers.engine import Container, docker
from containers.images import BASIC_TTP, CLUSTER_TTP, DIRECTOR, WORKER
from support.waiting import DEADLINE, until

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(900), pytest.mark.usefixtures("images")]

ORCHESTRATOR_MOUNTS = ("data/:/orchestrator/data", "outputs/:/orchestrator/outputs", "mlflow/:/mlflow")
DIRECTOR_MOUNTS = ("data/:/director/data", "outputs/:/director/outputs", "mlflow/:/mlflow")
PARTICIPANT_MOUNTS = ("data/:/worker/data", "outputs/:/worker/outputs")
COMMAND, DATA = ("-p", "5001:5000"), ("-p", "8021:8020")
# Nobody answers there: neither a log server nor a queue has to be up before a program is.
GRAYLOG = "--logging_variant graylog 172.30.0.4 9300"
QUEUE = "--queue rabbitmq 172.17.0.4 5672"
# The one thing that its documentation does not have: a queue's user and password, since nobody gets in as guest.
ACCOUNT = ("-e", "SYNERGOS_QUEUE_USER=synergos", "-e", "SYNERGOS_QUEUE_PASSWORD=something")
OPTIONAL = "--censored --debug"
METERED = "--logging_resolution 5 --cpus 2 --gpus 0"

COMMANDS = {
    "director": (
        "director_syncluster",
        DIRECTOR,
        COMMAND,
        ORCHESTRATOR_MOUNTS,
        f"{GRAYLOG} {QUEUE} {OPTIONAL}",
    ),
    "director example": (
        "director_syncluster",
        DIRECTOR,
        COMMAND,
        DIRECTOR_MOUNTS,
        f"{GRAYLOG} {QUEUE}",
    ),
    "basic TTP": (
        "ttp_synbasic",
        BASIC_TTP,
        (*COMMAND, *DATA),
        ORCHESTRATOR_MOUNTS,
        f"{GRAYLOG} {METERED} {OPTIONAL}",
    ),
    # It names a queue, which a basic TTP has no use for.
    "basic TTP example": ("ttp_synbasic", BASIC_TTP, (*COMMAND, *DATA), DIRECTOR_MOUNTS, f"{GRAYLOG} {QUEUE}"),
    "cluster TTP": (
        "ttp_syncluster",
        CLUSTER_TTP,
        (*COMMAND, *DATA),
        ORCHESTRATOR_MOUNTS,
        f"--grid 0 {QUEUE} {GRAYLOG} {METERED} {OPTIONAL}",
    ),
    "worker": (
        "party_1",
        WORKER,
        (*COMMAND, *DATA),
        PARTICIPANT_MOUNTS,
        f"{GRAYLOG} {METERED} {OPTIONAL}",
    ),
}


def mounts(folder: Path, places: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(option for place in places for option in ("-v", f"{folder}/{place}"))


@pytest.mark.parametrize("which", COMMANDS)
def test_a_launch_command_starts_its_program(which: str, mounted: Path) -> None:
    name, image, ports, places, flags = COMMANDS[which]
    started = Container.started(
        name, image, "--id", name, *flags.split(), options=(*ports, *ACCOUNT, *mounts(mounted, places))
    )
    try:
        address = f"http://127.0.0.1:{ports[1].partition(':')[0]}"
        started.wait_until_it_answers(address)

        assert requests.get(f"{address}/health", timeout=DEADLINE).json()["id"] == name
        assert {path.stat().st_uid for path in mounted.iterdir() if path.name != "data" or "worker" not in image} == {
            1000
        }
        assert ("--queue has no effect here" in started.log) == (which == "basic TTP example")
    finally:
        started.remove()


@pytest.mark.parametrize(
    ("image", "places", "flags", "message"),
    [
        (
            DIRECTOR,
            PARTICIPANT_MOUNTS,
            "--id party_1_node_1 --logging_variant basic",
            "run the image synergos_worker",
        ),
        (
            CLUSTER_TTP,
            ORCHESTRATOR_MOUNTS,
            f"--id ttp_syncluster {GRAYLOG}",
            "--queue: one of a cluster's TTPs needs it",
        ),
    ],
)
def test_a_slip_is_answered_with_what_is_wrong(
    image: str, places: tuple[str, ...], flags: str, message: str, mounted: Path
) -> None:
    slipped = Container.started("synergos_slip", image, *flags.split(), options=mounts(mounted, places))
    try:
        until(lambda: slipped.exit_code is not None, "the program to give up")

        assert slipped.exit_code == 2
        assert message in slipped.log
    finally:
        slipped.remove()


def test_the_queue_starts_as_its_documentation_says_and_nobody_is_a_guest() -> None:
    options = ("-it", "--rm", "-p", "15672:15672", "-p", "5672:5672")
    queue = Container.started("synergos_mq", "synergos_mq:dev", options=options)
    try:
        queue.wait_until_healthy()

        folder = "/var/lib/rabbitmq/credentials/administrator"
        user, password = (docker("exec", "synergos_mq", "cat", f"{folder}/{name}") for name in ("user", "password"))
        assert user == "synergos"
        assert len(password) == 48
        assert _overview(user, password) == 200
        assert _overview("guest", "guest") == 401
        # The programs' own users see no pages.
        others = [folder.replace("administrator", role) for role in ("director", "ttp")]
        for other in others:
            account = (docker("exec", "synergos_mq", "cat", f"{other}/{name}") for name in ("user", "password"))
            assert _overview(*account) == 401
        assert docker("exec", "synergos_mq", "stat", "-c", "%a", f"{folder}/password") == "600\n"
        assert docker("exec", "synergos_mq", "id", "-u") != "0\n"
        # Where it is told to speak TLS, it does not listen.
        tls = [f"--env=SYNERGOS_TLS_{name}=file" for name in ("CERT", "KEY", "CA")]
        asked = subprocess.run(["docker", "exec", *tls, "synergos_mq", "synergos-queue", "health"], check=False)
        assert asked.returncode == 1
    finally:
        queue.remove()


def _overview(user: str, password: str) -> int:
    return requests.get("http://127.0.0.1:15672/api/overview", auth=(user, password), timeout=30).status_code


def test_a_queue_whose_user_is_guest_does_not_start() -> None:
    account = ("-e", "RABBITMQ_DEFAULT_USER=guest", "-e", "RABBITMQ_DEFAULT_PASS=guest")
    queue = Container.started("synergos_mq", "synergos_mq:dev", options=account)
    try:
        until(lambda: queue.exit_code is not None, "the queue to give up")

        assert queue.exit_code == 2
        assert "expected another name in RABBITMQ_DEFAULT_USER" in queue.log
    finally:
        queue.remove()
