"""``synergos predict`` and ``synergos export``: a model's folder and a file of rows, and nothing else."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from factories.exported_runs import write_model
from support.command_runner import Run
from synergos import load_model
from synergos.cli.exits import ExitCode


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    write_model(tmp_path / "run")
    path = tmp_path / "rows.csv"
    path.write_text("patient,lactate,ward,target\n007,4.4,icu,dead\n8,,normal,alive\n9,0.1,,dead\n")
    return path


def test_predictions_come_on_standard_output_as_the_worker_would_write_them(
    run: Run, rows: Path, tmp_path: Path
) -> None:
    ended = run("predict", "--model", "run", "rows.csv", "--keep", "patient")

    assert (ended.code, ended.err) == (ExitCode.OK, "synergos: not there, and filled as missing cells are: site\n")
    found = pd.read_csv(io.StringIO(ended.out), dtype={"patient": str})
    assert list(found) == ["file", "row", "patient", "prediction", "score_alive", "score_dead"]
    assert found["patient"].tolist() == ["007", "8", "9"]
    expected = io.StringIO()
    load_model(tmp_path / "run").predict(rows, keep=["patient"]).to_csv(expected, index=False)
    assert ended.out == expected.getvalue()


def test_predictions_go_to_a_file_and_another_model_can_be_named(run: Run, rows: Path, tmp_path: Path) -> None:
    options = ("--ignore", "patient", "--output", "found.csv", "--name", "local_model_hospital_1", "--cpus", "1")

    ended = run("predict", "--model", "run", *options, "rows.csv", "rows.csv")

    assert (ended.code, ended.out) == (ExitCode.OK, "")
    own = load_model(tmp_path / "run", "local_model_hospital_1").predict([rows, rows], ignore=["patient"])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "found.csv"), own, check_dtype=False, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--model", "nowhere", "rows.csv"), ExitCode.NOT_FOUND, "nowhere has no manifest.json; it is no exported run"),
        (("--model", "run", "rows.csv"), ExitCode.USAGE, "rows.csv: column number 1 is none of the model's"),
        (("--model", "run", "nothing.csv"), ExitCode.USAGE, "nothing.csv: there is no such file or folder"),
        (
            ("--model", "run", "--name", "other", "rows.csv"),
            ExitCode.NOT_FOUND,
            "run has no model 'other'; it has global_model",
        ),
        (
            ("--model", "run", "--ignore", "patient", "--output", "no/such/x.csv", "rows.csv"),
            ExitCode.USAGE,
            "--output: cannot be written",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Run, rows: Path, arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    ended = run("predict", *arguments)

    assert ended.code == code
    assert said in ended.err
    assert "007" not in ended.err


def test_a_model_is_exported_as_what_is_asked_for(run: Run, rows: Path, tmp_path: Path) -> None:
    for form, output in (("onnx", "model.onnx"), ("mlflow", "folder")):
        ended = run("export", "--model", "run", "--format", form, "--output", output)

        assert (ended.code, ended.out) == (ExitCode.OK, f"{output}\n")
        assert (tmp_path / output).exists()
    again = run("export", "--model", "run", "--format", "mlflow", "--output", "folder")
    assert (again.code, again.err) == (ExitCode.USAGE, "synergos: --output: cannot be written: is there already\n")


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import synergos
try:
    model = synergos.load_model({folder!r})
    model.to_onnx({folder!r} + "/x.onnx")
except synergos.errors.NotSupported as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        ({"torch", "numpy", "pyarrow"}, "which is not installed: pip install 'synergos[predict]'"),
        ({"onnx", "onnxscript"}, "this takes onnx, which is not installed: pip install 'synergos[export]'"),
        # What a model takes that is no part of its extra is not needed.
        ({"flask", "sqlalchemy", "structlog", "gunicorn", "mlflow", "optuna", "alembic", "onnxscript"}, "onnxscript"),
    ],
)
def test_what_is_not_installed_is_named_with_what_brings_it(rows: Path, blocked: set[str], said: str) -> None:
    code = WITHOUT.format(blocked=blocked, folder=str(rows.with_name("run")))

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said in ended.stdout
