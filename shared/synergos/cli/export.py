"""``synergos export``: a trained model in a form that other programs read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from synergos.cli.completion import completing_ids
from synergos.cli.connection import AddressOption, CaOption, ProfileOption, driver_for
from synergos.cli.ids import Ids
from synergos.cli.model_folder import ModelOption, refuse_given, unwritable
from synergos.cli.output import print_json
from synergos.cli.project_file import FileOption, meant, runs_in
from synergos.errors import InvalidRequest
from synergos.extras import needing
from synergos.model import load_model

_IDS = Ids(("collab_id", "project_id", "expt_id", "run_id"), 4)


class OtherForm(StrEnum):
    """What a model is exported as."""

    ONNX = "onnx"
    MLFLOW = "mlflow"


class ExportFormat(StrEnum):
    """What a model is exported as, or how the command tells where it is."""

    ONNX = OtherForm.ONNX
    MLFLOW = OtherForm.MLFLOW
    TABLE = "table"
    JSON = "json"


_FORMS = {ExportFormat.ONNX: OtherForm.ONNX, ExportFormat.MLFLOW: OtherForm.MLFLOW}


def export(
    output: Annotated[Path, typer.Option(help="The ONNX file, or the folder for MLflow.")],
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=_IDS.expected,
            help="The run whose model is downloaded and exported: one after the other, or as one word with / between them."
            " Default: the run that the project file names.",
            autocompletion=completing_ids(_IDS.names),
        ),
    ] = None,
    form: Annotated[OtherForm | None, typer.Option("--as", help="What it is written as.")] = None,
    model: ModelOption = None,
    name: Annotated[
        str, typer.Option("--name", help="Which of its models: global_model or local_model_<participant>.")
    ] = "global_model",
    version: Annotated[
        int | None,
        typer.Option(
            help="The number of a training, as `synergos model versions` lists them. Default: the run's model."
        ),
    ] = None,
    file: FileOption = None,
    written: Annotated[
        ExportFormat,
        typer.Option(
            "--format", help="onnx and mlflow: the same as --as. table and json: how the command says where it is."
        ),
    ] = ExportFormat.TABLE,
    address: AddressOption = None,
    profile: ProfileOption = None,
    tls_ca: CaOption = None,
) -> None:
    """Write a trained model in a form that other programs read: of a run, or with --model of one that was downloaded."""
    wanted = form or _FORMS.get(written)
    if wanted is None:
        raise InvalidRequest(f"expected {' or '.join(OtherForm)}", "--as")
    with needing("export"):  # and not what a model takes to predict alone
        import synergos.model.trained_model  # noqa: F401
    with _folder(ids, model, version, file, address, profile, tls_ca) as folder:
        found = load_model(folder, name)
        try:
            path = found.to_onnx(output) if wanted is OtherForm.ONNX else found.to_mlflow(output)
        except OSError as error:
            raise unwritable(error) from error
    if written is ExportFormat.JSON:
        print_json({"path": str(path), "form": wanted})
    else:
        print(path)


@contextmanager
def _folder(
    ids: list[str] | None,
    model: Path | None,
    version: int | None,
    file: Path | None,
    address: str | None,
    profile: str | None,
    tls_ca: Path | None,
) -> Iterator[Path]:
    """The folder of the model that is meant; one that is downloaded is gone afterwards."""
    if model is not None:
        given = {
            "ids": ids,
            "--version": version,
            "--file": file,
            "--address": address,
            "--profile": profile,
            "--tls-ca": tls_ca,
        }
        refuse_given(given, "goes without --model")
        yield model
        return
    runs = meant(_IDS, ids, file, runs_in)
    if len(runs) != 1:
        names = ", ".join("/".join(map(str, run.values())) for run in runs)
        raise InvalidRequest(f"expected one run, the project file names {len(runs)}: {names}", "ids")
    with TemporaryDirectory() as folder, driver_for(address, profile, tls_ca) as driver:
        key = {name: str(each) for name, each in runs[0].items()}
        driver.models.download(**key, to=folder, version=version)
        yield Path(folder)
