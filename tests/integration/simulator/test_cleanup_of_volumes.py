"""``cleanup.sh -y --all``: volumes go with what opens them, and secrets with nothing but those."""

from __future__ import annotations

import pytest
import yaml

from support.checkout import LASTING, LASTING_VOLUMES, QUEUE, ROOT, Checkout


def test_what_lasts_goes_when_all_is_to_go(checkout: Checkout) -> None:
    secrets = [checkout.write(f"{target}/password") for target in LASTING]
    checkout.keep_volumes(*LASTING_VOLUMES, QUEUE, "somebody_elses", "synergos_plus_metrics_of_mine")

    first = checkout.clean("-y")

    assert first.returncode == 0, first.stderr
    assert all(secret.exists() for secret in secrets)
    assert checkout.volumes.read_text().split() == [*LASTING_VOLUMES, "somebody_elses", "synergos_plus_metrics_of_mine"]

    second = checkout.clean("-y", "--all")

    assert second.returncode == 0, second.stderr
    assert not any(secret.exists() for secret in secrets)
    assert checkout.volumes.read_text().split() == ["somebody_elses", "synergos_plus_metrics_of_mine"]


def test_a_volume_that_is_in_use_is_named(checkout: Checkout) -> None:
    checkout.keep_volumes(QUEUE, "synergos_plus_metrics", in_use=QUEUE)

    done = checkout.clean("-y", "--all")

    assert done.returncode == 1
    assert f"volumes are in use: {QUEUE};" in done.stderr
    assert checkout.volumes.read_text().split() == [QUEUE]


@pytest.mark.parametrize("used", ["synergos_plus_log_server_settings", QUEUE])
def test_no_secret_goes_while_a_volume_stays(checkout: Checkout, used: str) -> None:
    secrets = [checkout.write(f"{target}/password") for target in LASTING]
    checkout.write("outputs/worker_1_outputs/model")
    checkout.keep_volumes(*LASTING_VOLUMES, QUEUE, in_use=used)

    done = checkout.clean("-y", "--all")

    assert done.returncode == 1
    assert "Secrets stay" in done.stdout
    assert all(secret.exists() for secret in secrets)
    assert checkout.volumes.read_text().split() == [used]
    assert checkout.leavings() == set()


def test_not_all_can_go_when_docker_does_not_answer(checkout: Checkout) -> None:
    secret = checkout.write(f"{LASTING[0]}/password")
    checkout.write("outputs/worker_1_outputs/model")
    checkout.lose_docker()

    done = checkout.clean("-y", "--all")

    assert done.returncode == 1
    assert "Docker does not answer" in done.stderr
    assert secret.exists()
    assert checkout.leavings() == {"outputs/worker_1_outputs/model"}


def test_that_volumes_were_not_looked_at_is_said(checkout: Checkout) -> None:
    checkout.write("outputs/worker_1_outputs/model")
    checkout.lose_docker()

    done = checkout.clean("-y")

    assert (done.returncode, done.stderr) == (0, "")
    assert "volumes cannot be looked at: they stay" in done.stdout
    assert checkout.leavings() == set()


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("", {"SYNERGOS_FOLDER": "/srv/grid"}),
        ("SYNERGOS_FOLDER=/srv/grid\n", {}),
        ("export SYNERGOS_FOLDER='/srv/grid' # large\n", {}),
        ("SYNERGOS_FOLDER=./simulator\n", {"SYNERGOS_FOLDER": "/srv/grid"}),
    ],
)
def test_volumes_of_a_grid_that_writes_elsewhere_stay(checkout: Checkout, file: str, settings: dict[str, str]) -> None:
    (checkout.root / ".env").write_text(file)
    secret = checkout.write(f"{LASTING[0]}/password")
    checkout.write("outputs/worker_1_outputs/model")
    checkout.keep_volumes(QUEUE, *LASTING_VOLUMES)

    all_of_it, done = checkout.clean("-y", "--all", settings=settings), checkout.clean("-y", settings=settings)

    assert all_of_it.returncode == 1
    assert "belong to what grids write to /srv/grid" in all_of_it.stderr
    assert done.returncode == 0, done.stderr
    assert "belong to what grids write to /srv/grid: they stay" in done.stdout
    assert checkout.volumes.read_text().split() == [QUEUE, *LASTING_VOLUMES]
    assert secret.exists()
    assert checkout.leavings() == set()


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("SYNERGOS_FOLDER=./simulator\n", {}),
        ('SYNERGOS_FOLDER="simulator/"\n', {}),
        ("#SYNERGOS_FOLDER=/srv/grid\n", {}),
        ("SYNERGOS_FOLDER=/srv/grid\n", {"SYNERGOS_FOLDER": ""}),
    ],
)
def test_volumes_of_a_grid_that_writes_here_go(checkout: Checkout, file: str, settings: dict[str, str]) -> None:
    (checkout.root / ".env").write_text(file)
    checkout.keep_volumes(QUEUE)

    assert checkout.clean("-y", settings=settings).returncode == 0
    assert checkout.volumes.read_text() == ""


def test_a_dry_run_lists_volumes_and_removes_none(checkout: Checkout) -> None:
    checkout.keep_volumes(QUEUE)

    done = checkout.clean("--dry-run")

    assert f"Volumes of Docker\n  {QUEUE}\n" in done.stdout
    assert checkout.volumes.read_text().split() == [QUEUE]


def test_every_named_volume_of_a_compose_file_is_known() -> None:
    files = [yaml.safe_load(path.read_text()) for path in ROOT.glob("docker-compose-*.yml")]

    named = {volume["name"] for file in files for volume in file.get("volumes", {}).values()}
    assert named == {*LASTING_VOLUMES, QUEUE}
