"""``cleanup.sh`` on what grids, and people, may leave in the folders it empties; always on a copy of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.checkout import DEADLINE, TARGETS, Checkout

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
