"""The whole cycle with the ``synergos`` command alone, beside real programs: from nothing to a model in a file."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from grids.real_grid import ENDLESS, RealGrid, Study
from support.command_runner import Ended
from support.waiting import until
from synergos.cli import main
from synergos.cli.exits import ExitCode
from synergos_simulator.datasets import Dataset

Command = Callable[..., Ended]
RUN = "hospitals/wines/network/first"
HYPERPARAMETERS = ("--algorithm", "FedAvg", "--rounds", "3", "--epochs", "1", "--lr", "0.1", "--batch-size", "16")


@pytest.fixture(scope="module")
def command(shared_grid: RealGrid, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Runs the command, with the grid as its default connection."""

    def run(*arguments: str) -> Ended:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SYNERGOS_CONFIG", str(tmp_path_factory.mktemp("configuration")))
        for variable in ("SYNERGOS_ADDRESS", "SYNERGOS_PROFILE"):
            environment.delenv(variable, raising=False)
        assert run("profile", "add", "grid", "--address", shared_grid.driver.address, "--default").code == 0
        yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def ok(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err
    assert max(map(len, ended.out.splitlines()), default=0) <= 100
    return ended


def read(ended: Ended) -> Any:
    """What a command with ``--format json`` says."""
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def trained(command: Command, shared_grid: RealGrid, wine: Dataset, data: Path) -> Command:
    """A run that was declared, aligned, trained and validated by commands."""
    ok(command("collaboration", "create", "hospitals"))
    ok(command("project", "create", "hospitals/wines", "--action", wine.action))
    layers = str(data / "wine_skewed" / "architecture.json")
    ok(command("experiment", "create", "hospitals/wines/network", "--model", layers))
    ok(command("run", "create", *RUN.split("/"), *HYPERPARAMETERS, "--set", 'criterion="CrossEntropyLoss"'))
    for holding, worker in zip(wine.holdings, shared_grid.grid.workers, strict=False):
        who = f"hospitals/wines/{holding.participant_id}"
        ok(command("participant", "create", holding.participant_id))
        node = f"host={worker.host},port={worker.data_port},f_port={worker.port}"
        ok(command("registration", "create", who, "--role", "guest", "--node", node))
        tags = {purpose: "/".join(getattr(holding, purpose)) for purpose in ("train", "evaluate", "predict")}
        ok(command("tags", "create", who, *(part for purpose, tag in tags.items() for part in (f"--{purpose}", tag))))
    assert "inputs; labels" in ok(command("align", "hospitals/wines", "--dry-run")).out
    ok(command("align", "hospitals", "wines"))
    ok(command("train", RUN))
    assert "(all)" in ok(command("validate", RUN)).out
    return command


def test_results_are_those_of_the_participants_and_of_all_together(trained: Command) -> None:
    rows = read(trained("results", RUN, "--format", "json"))

    assert {row["participant_id"] for row in rows} == {"worker_1", "worker_2", "(all)"}
    assert {row["label"] for row in rows} == {"class_0", "class_1", "class_2"}
    ok(trained("results", RUN))


def test_runs_are_compared_and_their_losses_shown(trained: Command) -> None:
    [row] = read(trained("compare", "hospitals/wines", "--format", "json"))
    losses = read(trained("history", RUN, "--format", "json"))

    assert (row["run_id"], row["model.rounds"]) == ("first", 3)
    assert [each["loss"] is not None for each in losses if each["series"] == "train"] == [True, True, True]
    ok(trained("history", RUN))


def test_declared_datasets_are_predicted_at_the_workers(trained: Command, shared_grid: RealGrid) -> None:
    ended = ok(trained("predict", RUN, "--participant", "worker_1"))

    assert f"predictions of worker_1: {shared_grid.outputs('worker_1')}" in ended.err


def test_a_model_is_downloaded_used_and_exported(trained: Command, wine: Dataset, data: Path, tmp_path: Path) -> None:
    folder, rows = tmp_path / "model", data.joinpath(*(wine.holdings[0].predict or ()))
    files = read(trained("download", RUN, "--to", str(folder), "--format", "json"))
    assert Path(files["manifest.json"]).is_file()

    predictions = read(trained("predict", "--model", str(folder), str(rows), "--format", "json"))
    assert {"prediction", "score_class_0"} <= set(predictions[0])
    as_csv = ok(trained("predict", "--model", str(folder), str(rows), "--output", str(tmp_path / "p.csv")))
    assert (as_csv.out, (tmp_path / "p.csv").read_text().count("\n")) == ("", len(predictions) + 1)

    output = tmp_path / "model.onnx"
    assert read(trained("export", RUN, "--as", "onnx", "--output", str(output), "--format", "json")) == {
        "path": str(output),
        "form": "onnx",
    }
    assert output.stat().st_size > 0


def test_a_job_is_found_by_the_beginning_of_its_id_newest_first(trained: Command) -> None:
    jobs = read(trained("job", "list", "--collaboration", "hospitals", "--format", "json"))

    stages = [job["stage"] for job in jobs if job["stage"] != "predict"]
    assert stages == ["validate", "train", "preprocess", "check"]
    assert read(trained("job", "show", jobs[0]["id"][:12], "--format", "json")) == jobs[0]
    ok(trained("job", "list"))


def test_what_cannot_be_found_or_done_has_its_exit_code_and_a_sentence(trained: Command) -> None:
    missing = trained("run", "show", "hospitals/wines/network/second")
    untrained = trained("results", "hospitals/wines/network/second")

    assert (missing.code, missing.out) == (ExitCode.NOT_FOUND, "")
    assert "second" in missing.err
    assert (untrained.code, "Traceback" in untrained.err) == (ExitCode.NOT_FOUND, False)
    assert trained("align", "nobody/nothing").code in {ExitCode.NOT_FOUND, ExitCode.FAILED}


def test_a_timeout_ends_the_looking_and_names_the_job_that_goes_on(
    command: Command, grid: RealGrid, wine: Dataset
) -> None:
    study = Study(grid, wine, "interrupted", ENDLESS)
    study.declare()
    study.align()

    timed_out = command("train", *study.keys, "--timeout", "3")

    [job] = study.jobs("train")
    assert timed_out.code == ExitCode.TIMED_OUT
    assert job["id"][:8] in timed_out.err
    until(lambda: study.jobs("train")[0]["state"] == "running", "the training to run")
    assert command("job", "cancel", job["id"][:10]).code == 0
    assert command("job", "wait", job["id"]).code == ExitCode.JOB_CANCELLED
