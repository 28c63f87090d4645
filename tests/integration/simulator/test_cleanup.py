"""``cleanup.sh`` on what grids, and people, may leave in the folders it empties; always on a copy of its own."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "my - repository")


@pytest.fixture
def public_checkout() -> Iterator[Checkout]:
    """A checkout that every user of this machine can reach."""
    with tempfile.TemporaryDirectory(prefix="synergos-cleanup-") as name:
        Path(name).chmod(0o755)
        yield Checkout(Path(name) / "repository")


AWKWARD = (
    "plain.csv",
    ".hidden",
    ".hidden folder/.deeper/file",
    "two words",
    "line\nbreak",
    "-rf",
    "--help",
    "*",
    "$(touch gone)",
    "'quoted\" name",
    "größe",
    "\udcff broken text",
    "\udcff/\udcff broken text/\udcff.md",
    "collaboration/project/README.md",
    "a.md/model.safetensors",
    "..two dots",
)


@pytest.mark.parametrize("target", TARGETS)
def test_everything_in_every_target_goes_however_it_is_called(checkout: Checkout, target: str) -> None:
    for name in AWKWARD:
        checkout.write(f"{target}/{name}")
    (checkout.simulator / target / "empty folder").mkdir()

    done = checkout.clean("--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert checkout.leavings() == set()


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


def test_nothing_else_is_touched(checkout: Checkout) -> None:
    others = [
        checkout.write(f"outputs/{name}") for name in ("notes.txt", "worker_3_outputs/model", "../README.md", "../.env")
    ]
    others.append(checkout.write("metadata/worker_1_outputs/model"))
    others.append(checkout.write("outputs/worker_1_outputs/what I found.md"))

    assert checkout.clean("-y").returncode == 0
    assert all(other.read_text() == "left by a grid" for other in others)


def test_links_are_removed_and_what_they_point_to_stays(checkout: Checkout, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data.csv").write_text("rows")
    outputs = checkout.simulator / "outputs/worker_1_outputs"
    (outputs / "folder link").symlink_to(precious)
    (outputs / "file link.md").symlink_to(precious / "data.csv")
    (outputs / "broken link").symlink_to(tmp_path / "nowhere")
    (outputs / "deep").mkdir()
    (outputs / "deep/link").symlink_to(precious)

    done = checkout.clean("-y")

    assert done.returncode == 0, done.stderr
    assert checkout.leavings() == set()
    assert (precious / "data.csv").read_text() == "rows"


@pytest.mark.parametrize("linked", ["simulator", "simulator/outputs", "simulator/outputs/worker_2_outputs"])
def test_a_target_that_leads_elsewhere_is_refused_before_anything_is_removed(
    checkout: Checkout, tmp_path: Path, linked: str
) -> None:
    checkout.write("metadata/mlflow_data/mlflow.db")
    checkout.write("outputs/worker_2_outputs/model")
    place, elsewhere = checkout.root / linked, tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)

    done = checkout.clean("-y")

    assert done.returncode == 1
    assert f"{place} is a link to {elsewhere}" in done.stderr
    assert checkout.leavings() >= {"metadata/mlflow_data/mlflow.db"}
    assert (checkout.simulator / "outputs/worker_2_outputs/model").exists()


def test_a_file_in_a_targets_place_is_refused(checkout: Checkout) -> None:
    left = checkout.write("metadata/mlflow_data/mlflow.db")
    place = checkout.simulator / "outputs/worker_2_outputs"
    shutil.rmtree(place)
    place.write_text("not a folder")

    done = checkout.clean("-y")

    assert done.returncode == 1
    assert f"{place} is not a folder" in done.stderr
    assert left.exists()
    assert place.read_text() == "not a folder"


def test_a_target_that_is_not_there_is_no_trouble(checkout: Checkout) -> None:
    checkout.write("metadata/mlflow_data/mlflow.db")
    shutil.rmtree(checkout.simulator / "outputs")

    assert checkout.clean("-y").returncode == 0
    assert not (checkout.simulator / "metadata/mlflow_data/mlflow.db").exists()


def test_the_script_finds_its_place_through_a_link(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write("outputs/worker_1_outputs/model")
    link = tmp_path / "tidy"
    link.symlink_to(checkout.root / "cleanup.sh")

    subprocess.run([str(link), "-y"], cwd=tmp_path, check=True, capture_output=True, timeout=DEADLINE)

    assert checkout.leavings() == set()


@pytest.mark.parametrize(
    ("keys", "says", "removes"),
    [
        (b"y\n", "clean", True),
        (b"Y\n", "clean", True),
        (b"n\n", "archive", False),
        (b"N\n", "archive", False),
        (b"yes please\n", "invalid", False),
        (b"\n", "invalid", False),
        (b"\x04", "no answer", False),
    ],
)
def test_it_asks_first(checkout: Checkout, keys: bytes, says: str, removes: bool) -> None:
    checkout.write("outputs/worker_1_outputs/model")

    done = checkout.clean_at_a_terminal(keys)

    assert says in done.stdout + done.stderr
    assert done.returncode == (0 if removes else 1)
    assert checkout.leavings() == (set() if removes else {"outputs/worker_1_outputs/model"})


def test_without_anybody_to_ask_nothing_is_removed(checkout: Checkout) -> None:
    checkout.write("outputs/worker_1_outputs/model")

    done = checkout.clean()

    assert done.returncode == 1
    assert "no terminal" in done.stderr
    assert checkout.leavings() == {"outputs/worker_1_outputs/model"}


@pytest.mark.parametrize("options", [("--dry-run",), ("--dry-run", "-y"), ("-y", "-V", "--dry-run")])
def test_a_dry_run_removes_nothing(checkout: Checkout, options: tuple[str, ...]) -> None:
    checkout.write("outputs/worker_1_outputs/model")

    done = checkout.clean(*options)

    assert done.returncode == 0
    assert "simulator/outputs/worker_1_outputs: 1 to remove" in done.stdout
    assert checkout.leavings() == {"outputs/worker_1_outputs/model"}


@pytest.mark.parametrize("option", ["-V", "-v", "--verbose"])
def test_verbose_lists_every_path_and_otherwise_some_are_listed(checkout: Checkout, option: str) -> None:
    paths = [f"run/round {number}" for number in range(10)] + [f"file{number}" for number in range(10)]
    for path in paths:
        checkout.write(f"outputs/worker_1_outputs/{path}")

    short, long = checkout.clean("--dry-run").stdout, checkout.clean("--dry-run", option).stdout

    assert sum(path.replace(" ", "\\ ") in long for path in paths) == len(paths)
    assert sum(path.replace(" ", "\\ ") in short for path in paths) == 3
    assert "outputs/worker_1_outputs: 21 to remove" in short
    assert "-V lists all" in short
    assert "-V lists all" not in long


def test_targets_are_grouped_and_a_name_cannot_forge_a_line(checkout: Checkout) -> None:
    checkout.write("outputs/worker_2_outputs/x\nThere is nothing to remove.")

    lines = checkout.clean("--dry-run").stdout.splitlines()

    headings = [line for line in lines if line and not line.startswith(" ") and line[0] in "MO"]
    assert headings == ["Metadata", "Outputs of the orchestrator", "Outputs of worker 1", "Outputs of worker 2"]
    assert "There is nothing to remove." not in lines
    assert lines[0] == f"Clean-up of {checkout.root}"


def test_what_is_clean_already_needs_no_answer(checkout: Checkout) -> None:
    done = checkout.clean()

    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to remove" in done.stdout


@pytest.mark.parametrize("options", [("--force",), ("-y", "-Vy"), ("-y", "outputs")])
def test_an_unknown_option_is_named_and_nothing_is_removed(checkout: Checkout, options: tuple[str, ...]) -> None:
    checkout.write("outputs/worker_1_outputs/model")

    done = checkout.clean(*options)

    assert done.returncode == 2
    assert f"unknown option {options[-1]}" in done.stderr
    assert checkout.leavings() == {"outputs/worker_1_outputs/model"}


def test_help_says_what_the_options_do(checkout: Checkout) -> None:
    for option in ("-h", "--help"):
        done = checkout.clean(option)
        assert done.returncode == 0
        assert "--dry-run" in done.stdout


def test_what_may_not_be_removed_is_told_with_a_way_out(public_checkout: Checkout) -> None:
    kept = public_checkout.write("outputs/worker_1_outputs/owned by a container/model")
    gone = public_checkout.write("outputs/worker_2_outputs/model")
    kept.parent.chmod(0o555)

    done = public_checkout.clean_without_privileges("-y")

    assert done.returncode == 1
    assert "not all could be removed from: simulator/outputs/worker_1_outputs\n" in done.stderr
    assert f"sudo {public_checkout.root}/cleanup.sh" in done.stderr
    assert kept.exists()
    assert not gone.exists()
    kept.parent.chmod(0o755)


def test_a_target_that_cannot_be_looked_into_is_not_taken_for_clean(public_checkout: Checkout) -> None:
    left = public_checkout.write("metadata/mlflow_data/mlflow.db")
    closed = public_checkout.simulator / "outputs/worker_1_outputs"
    closed.chmod(0)

    done = public_checkout.clean_without_privileges("-y")

    closed.chmod(0o755)
    assert done.returncode == 1
    assert f"{closed} may not be read" in done.stderr
    assert left.exists()


def test_a_running_grid_is_told_of(checkout: Checkout) -> None:
    checkout.run_containers(r"sync_ttp_1\nmongo\nsynb_worker_1\nmy_synp_ttp\n")

    lines = checkout.clean("--dry-run").stdout.splitlines()

    assert "WARNING: a grid is running (synb_worker_1 sync_ttp_1)." in lines


def test_other_containers_are_no_grid(checkout: Checkout) -> None:
    checkout.run_containers(r"mongo\nsynapse\n")

    assert "WARNING" not in checkout.clean("--dry-run").stdout


def test_it_empties_what_the_compose_grids_write_to() -> None:
    compose = "".join(path.read_text() for path in ROOT.glob("docker-compose-*.yml"))

    mounted = re.findall(r"/((?:metadata|outputs)/\w+):/", compose)
    assert set(mounted) == {*TARGETS, *LASTING, *OWN}


def test_a_participants_nodes_in_the_cluster_have_one_key() -> None:
    compose = (ROOT / "docker-compose-syncluster.yml").read_text()

    workers = re.findall(r"container_name: sync_worker_(\d)_n\d\n(.*?)\n\n", compose, re.DOTALL)
    keys = [(worker, re.findall(r"/metadata/(\w+):/worker/key$", text, re.MULTILINE)) for worker, text in workers]
    assert sorted(keys) == [(number, [f"worker_{number}_key"]) for number in ("1", "1", "2", "2")]
    assert all("--digest_key /worker/key/" in text for _, text in workers)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_the_repository_has_the_folders_and_git_ignores_what_grids_write() -> None:
    for target in (*TARGETS, *LASTING, *OWN):
        assert (ROOT / "simulator" / target / "README.md").is_file()
        ignored = subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", f"simulator/{target}/model"], cwd=ROOT, check=False
        )
        kept = subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", f"simulator/{target}/README.md"], cwd=ROOT, check=False
        )
        assert (ignored.returncode, kept.returncode) == (0, 1), target
