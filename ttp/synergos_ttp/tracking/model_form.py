"""Writes a trained model in the form that MLflow loads: ``python -m synergos_ttp.tracking.model_form EXPORTS TARGET``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from synergos.programs import loading

NEVER = 2
"""Exit code for a model that has no such form, whoever tries again; all else may pass."""


def main() -> int:
    """Write it; the exit code."""
    from synergos.errors import SynergosError
    from synergos.learning.families import manifest
    from synergos.model.stored_model import StoredModel

    exports, target = map(Path, sys.argv[1:])
    try:
        StoredModel(exports, manifest.GLOBAL_MODEL).to_mlflow(target)
    except SynergosError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return NEVER
    return 0


if __name__ == "__main__":
    # Whoever started this does not end when the TTP is told to; it ends with the TTP, and this with it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Nearly all it does is to load torch, and it ends before there is anything to free.
    with loading():
        code = main()
    sys.stderr.flush()
    # All is written; taking torch down in an orderly way takes longer than writing does.
    os._exit(code)
