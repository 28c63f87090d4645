"""A grid that is not started yet and finds what each would make anew before its first training is seen in MLflow."""

from __future__ import annotations

from pathlib import Path

from grids.quick_grid import QuickGrid
from servers.mlflow_store import put_new_store
from synergos_simulator.grid import Grid, Planned


def planned(plan: Planned) -> Grid:
    """The grid of a plan, with its folders made, whose TTPs have MLflow's store."""
    grid = QuickGrid.planned(plan)
    flags = [program.command for program in grid.planned_programs if "--mlflow" in program.command]
    # A cluster's TTPs share one.
    for folder in {command[command.index("--mlflow") + 1] for command in flags}:
        put_new_store(Path(folder))
    return grid
