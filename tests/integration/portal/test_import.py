"""What the portal's own process loads."""

from __future__ import annotations

import subprocess
import sys


def test_the_portal_loads_nothing_heavy_and_nothing_of_an_orchestrator() -> None:
    heavy = (
        "{'torch', 'numpy', 'pandas', 'sqlalchemy', 'pika', 'mlflow', 'flask_restx', 'sklearn', 'jsonschema', 'typer'}"
    )
    code = (
        "import sys, synergos_portal.__main__; "
        f"print(sorted({heavy} & set(sys.modules)), "
        "sorted(name for name in sys.modules if name.startswith(('synergos.learning', 'synergos.records', 'synergos.rest', 'synergos.orchestration'))))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] []"
