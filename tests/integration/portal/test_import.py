"""What the portal's own processes load."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "numpy", "pandas", "sqlalchemy", "pika", "mlflow", "flask_restx", "sklearn", "jsonschema", "typer")
OF_AN_ORCHESTRATOR = (
    *("synergos.learning", "synergos.records", "synergos.rest", "synergos.orchestration"),
    *("synergos.driver.client", "synergos.driver.jobs"),
)
OF_WHO_ANSWERS = ("flask", "jinja2", "werkzeug", "requests", "babel", "synergos.driver")


def loaded(*modules: str) -> set[str]:
    """What a new process has when it has imported these, packages by each of their modules."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_portal_loads_nothing_heavy_and_nothing_of_an_orchestrator() -> None:
    assert not loaded("synergos_portal.__main__", "synergos_portal.program") & {*HEAVY, *OF_AN_ORCHESTRATOR}


def test_the_process_that_watches_over_it_loads_nothing_that_answers() -> None:
    assert not loaded("synergos_portal.__main__") & {*OF_WHO_ANSWERS, "synergos.program.answering"}
