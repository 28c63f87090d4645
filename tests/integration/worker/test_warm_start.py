"""What a worker does before it is asked for anything."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import torch
from synergos_worker.devices import warm_optimizers
assert "torch._dynamo" not in sys.modules, "torch loads its compiler by itself: there is nothing left to warm"
warm_optimizers()
assert "torch._dynamo" in sys.modules, "the first optimizer does not load it any more"
"""


def test_the_first_optimizer_is_made_before_a_session_needs_one() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")
