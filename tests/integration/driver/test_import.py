"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'flask', 'pandas', 'numpy', 'sqlalchemy', 'sklearn'}"
    code = f"import sys; from synergos import Driver; Driver('h', 1).jobs; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
