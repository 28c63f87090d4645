"""``synergos predict`` and ``synergos export``: a trained model that was downloaded, used without a grid."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from synergos.errors import InvalidRequest
from synergos.model import load_model

Folder = Annotated[
    Path,
    typer.Option(
        "--model", metavar="FOLDER", help="Of a run: manifest.json and weights, as `models.download` fetches them."
    ),
]
Name = Annotated[
    str,
    typer.Option("--name", help="Which of its models: global_model or local_model_<participant>.", show_default=True),
]


class OtherForm(StrEnum):
    """What a model is exported as."""

    ONNX = "onnx"
    MLFLOW = "mlflow"


def predict(
    rows: Annotated[
        list[Path],
        typer.Argument(metavar="ROWS...", help="A file of rows, several, or a folder; of an image model image files."),
    ],
    model: Folder,
    name: Name = "global_model",
    output: Annotated[
        Path | None, typer.Option(help="Where predictions are written, as csv. Default: standard output.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column that is no input and comes back with the predictions; repeatable."),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A column that is no input; repeatable.")] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="Threads that calculate. Default: as a worker, all cores but one.")
    ] = None,
) -> None:
    """Predict raw rows with a trained model, as the worker that holds them would."""
    found = load_model(model, name, cpus=cpus)
    read = found.read(rows, keep=keep or (), ignore=ignore or ())
    if read.absent:
        print(f"synergos: not there, and filled as missing cells are: {', '.join(read.absent)}", file=sys.stderr)
    predictions = found.predictions(read)
    try:
        predictions.to_csv(sys.stdout if output is None else output, index=False)
    except OSError as error:
        raise _unwritable(error) from error


def export(
    model: Folder,
    form: Annotated[OtherForm, typer.Option("--format", help="What it is written as.")],
    output: Annotated[Path, typer.Option(help="The ONNX file, or the folder for MLflow.")],
    name: Name = "global_model",
) -> None:
    """Write a trained model in a form that other programs read."""
    found = load_model(model, name)
    try:
        written = found.to_onnx(output) if form is OtherForm.ONNX else found.to_mlflow(output)
    except OSError as error:
        raise _unwritable(error) from error
    print(written)


def _unwritable(error: OSError) -> InvalidRequest:
    return InvalidRequest(f"cannot be written: {error.strerror or error}", "--output")
