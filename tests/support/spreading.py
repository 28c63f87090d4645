"""Which tests one process runs, one after the other, when pytest-xdist spreads them over several."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    # The grid and the cycle of tests/browser/conftest.py.
    **dict.fromkeys(
        (
            f"browser/test_{name}.py"
            for name in ("accounts", "again", "declaring", "every_page", "launching", "pictures", "uploads")
        ),
        "browsed grid",
    ),
    "containers": "containers",  # one engine, with fixed names and addresses
    "integration/queue": "rabbitmq",
    "integration/records": "postgresql",
    "e2e/test_cluster_postgresql.py": "postgresql",
    # The grid and the cluster of tests/e2e/conftest.py.
    **dict.fromkeys(
        (
            f"e2e/test_{name}.py"
            for name in (
                "cluster",
                "command_line",
                "failures",
                "full_cycle",
                "ledger",
                "notebooks",
                "original_notebooks",
                "tracking",
                "tuning",
            )
        ),
        "shared grid",
    ),
    # For slow lines, time-outs and pauses: two such files at once would leave the processors idle.
    "e2e/test_cluster_kill_matrix.py": "waiting",
    "e2e/test_kill_matrix.py": "waiting",
    "e2e/test_lost_participants.py": "waiting",
    "e2e/test_metrics.py": "waiting",
    "networks": "waiting",
    # The first tensors that a process compares load torch's distributed ones, which takes longer than most of these tests.
    **dict.fromkeys(
        (
            *(f"unit/learning/algorithms/test_{name}.py" for name in ("against_plain_torch", "fedprox", "scaffold")),
            *(
                f"unit/learning/families/layers/test_{name}.py"
                for name in ("needs", "network", "objective", "torch_names")
            ),
        ),
        "compared tensors",
    ),
    # What figures are compared with: a process loads scikit-learn once, which takes longer than these tests.
    "unit/learning/test_curves.py": "scikit-learn",
    "unit/learning/test_metrics.py": "scikit-learn",
    "unit/learning/test_pooling.py": "scikit-learn",
}
"""Files, and folders with all that is in them, that share what is expensive or exists once, or are to run beside others that work."""


def group_of(test: str) -> str:
    """The group of a test, by its id: its file when nothing else is said."""
    return _group_of_file(test.partition("::")[0])


@cache
def _group_of_file(name: str) -> str:
    path = PurePosixPath(name).relative_to("tests")
    found = [GROUPS[str(place)] for place in (path, *path.parents) if str(place) in GROUPS]
    return found[0] if found else str(path)


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Hands out one group after the other, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
