"""A policy for workers whose rows are nobody's, so that benchmarks can train more parameters on them than anything could be learnt with."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path


def allow_any_model(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have workers that are started from here train models of any size.

    Args:
        folder: where the policy is written.
    """
    policy = folder / "policy.toml"
    policy.write_text("largest_parameters = 1e6\n")
    environment["SYNERGOS_POLICY"] = str(policy)
