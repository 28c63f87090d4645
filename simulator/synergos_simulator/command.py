"""How ``synergos`` is called by somebody who reads about it on this machine."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "synergos"


def stopping(folder: Path) -> str:
    """What stops the grid of a folder, to be typed as it is."""
    return f"{_called()} grid down --folder {shlex.quote(str(folder))}"


def _called() -> str:
    """The name where that finds the program of this very environment: who was given one by a script has not entered it."""
    own = Path(sys.executable).with_name(_NAME)
    if not own.is_file():
        return f"{shlex.quote(sys.executable)} -m synergos.cli"
    found = shutil.which(_NAME)
    return _NAME if found is not None and own.samefile(found) else shlex.quote(str(own))
