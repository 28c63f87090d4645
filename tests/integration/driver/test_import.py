"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'flask', 'pandas', 'numpy', 'sqlalchemy', 'sklearn'}"
    code = f"import sys; from synergos import Driver; Driver('h', 1).jobs; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_its_modules_are_there_once_it_is_imported() -> None:
    code = "import synergos.driver as driver; print(driver.errors.JobFailed is driver.JobFailed, hasattr(driver, 'no'))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "True False"
