"""What ``cleanup.sh`` asks and says, and that it does nothing before it is told to."""

from __future__ import annotations

import pytest

from support.checkout import Checkout


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
