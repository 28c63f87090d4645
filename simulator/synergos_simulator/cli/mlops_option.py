"""The tracking server of a grid on this machine: an option of ``synergos grid up`` and ``synergos simulate``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from synergos_simulator.grid import Planned
from synergos_simulator.mlops import WithMlops
from synergos_simulator.mlops_environment import server_python

MlopsOption = Annotated[
    bool,
    typer.Option(
        "--mlops", help="Start an MLflow server with its pages too, as a Plus grid does; it is installed first."
    ),
]


def with_mlops(plan: Planned, console: Console) -> WithMlops:
    """A plan with a tracking server, which is installed if need be.

    Raises:
        NotInstalled: it is not there, and cannot be installed.
    """
    return WithMlops(
        plan, server_python(lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True))
    )
