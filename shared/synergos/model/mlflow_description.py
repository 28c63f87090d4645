"""What MLflow reads of a model's folder beside the model, as its own writer puts it: which flavours there are, what comes in and goes
out, an example, and what it takes to load it.

Written without MLflow, which takes longer to load than all of this does; a test compares it with what MLflow writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any
from uuid import uuid4

import yaml

# Else nobody knows by which version it will be read: what is not installed is found here.
_MLFLOW = version("mlflow-skinny")
NAME = "MLmodel"
DATA = "data/model"
_REQUIREMENTS, _CONDA, _ENVIRONMENT = "requirements.txt", "conda.yaml", "python_env.yaml"
_EXAMPLE, _SENT_EXAMPLE = "input_example.json", "serving_input_example.json"


class Description:
    """Of one model.

    Args:
        loader: the module that MLflow imports to load the files in :data:`DATA`.
        inputs: the columns that it takes, each of which may be absent, with their types by MLflow's words.
        outputs: likewise what comes back.
        example: a row of inputs.
        requirement: what has to be installed to load it, MLflow aside.
        metadata: what else is known of it.
    """

    def __init__(
        self,
        loader: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        example: Mapping[str, float | str],
        requirement: str,
        metadata: Mapping[str, Any],
    ) -> None:
        self._loader = loader
        self._inputs, self._outputs = inputs, outputs
        self._example = example
        self._requirement = requirement
        self._metadata = metadata

    def write(self, folder: Path, flavours: Mapping[str, Mapping[str, Any]]) -> None:
        """Write it beside the files in :data:`DATA`, which are there.

        Args:
            flavours: by which it can be loaded beside MLflow's own for whatever has a loader.
        """
        self._write_example(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        (folder / NAME).write_text(yaml.safe_dump(self._content(size, flavours)), encoding="utf-8")
        packages = [f"mlflow=={_MLFLOW}", self._requirement]
        (folder / _REQUIREMENTS).write_text("\n".join(packages), encoding="utf-8")
        python, pip = python_version(), _installed("pip", "<=")
        conda = {
            "name": "mlflow-env",
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", pip, {"pip": packages}],
        }
        (folder / _CONDA).write_text(yaml.safe_dump(conda), encoding="utf-8")
        environment = {
            "python": python,
            "build_dependencies": [_installed(package, "==") for package in ("pip", "setuptools", "wheel")],
            "dependencies": [f"-r {_REQUIREMENTS}"],
        }
        (folder / _ENVIRONMENT).write_text(yaml.safe_dump(environment, sort_keys=False), encoding="utf-8")

    def _write_example(self, folder: Path) -> None:
        frame = {"columns": list(self._example), "data": [list(self._example.values())]}
        (folder / _EXAMPLE).write_text(json.dumps(frame), encoding="utf-8")
        (folder / _SENT_EXAMPLE).write_text(json.dumps({"dataframe_split": frame}, indent=2), encoding="utf-8")

    def _content(self, size: int, flavours: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        function = {
            "code": None,
            "data": DATA,
            "env": {"conda": _CONDA, "virtualenv": _ENVIRONMENT},
            "loader_module": self._loader,
            "python_version": python_version(),
            "streamable": False,
        }
        return {
            "flavors": {"python_function": function} | {name: dict(own) for name, own in flavours.items()},
            "is_signature_from_type_hint": False,
            "metadata": dict(self._metadata),
            "mlflow_version": _MLFLOW,
            "model_id": None,
            "model_size_bytes": size,
            "model_uuid": uuid4().hex,
            "prompts": None,
            "saved_input_example_info": {
                "artifact_path": _EXAMPLE,
                "pandas_orient": "split",
                "serving_input_path": _SENT_EXAMPLE,
                "type": "dataframe",
            },
            "signature": {
                "inputs": _columns(self._inputs, required=False),
                "outputs": _columns(self._outputs, required=True),
                "params": None,
            },
            "type_hint_from_example": False,
            "utc_time_created": str(datetime.now(UTC).replace(tzinfo=None)),
        }


def _columns(types: Mapping[str, str], *, required: bool) -> str:
    columns: Sequence[Mapping[str, object]] = [
        {"type": kind, "name": name, "required": required} for name, kind in types.items()
    ]
    return json.dumps(columns)


def _installed(package: str, operator: str) -> str:
    """A package in the version that is here; whichever, where it is not."""
    try:
        return f"{package}{operator}{version(package)}"
    except PackageNotFoundError:
        return package
