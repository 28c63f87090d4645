"""Options about a model that was downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from synergos.errors import InvalidRequest

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FOLDER",
        help="Of a run: manifest.json and weights, as `synergos download` fetches them.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="With --model: which of its models, global_model or local_model_<participant>. Default: global_model.",
    ),
]
CpusOption = Annotated[
    int | None,
    typer.Option(min=1, help="With --model: threads that calculate. Default: as a worker, all cores but one."),
]


def unwritable(error: OSError) -> InvalidRequest:
    """What cannot be written, in words."""
    return InvalidRequest(f"cannot be written: {error.strerror or error}", "--output")


def refuse_given(options: Mapping[str, object], why: str) -> None:
    """Refuse options that would be without effect.

    Raises:
        InvalidRequest: one was given; names it.
    """
    for option, value in options.items():
        if value not in (None, []):
            raise InvalidRequest(why, option)
