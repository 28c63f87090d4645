from __future__ import annotations

from synergos.learning.datatypes import DATATYPES
from synergos_worker.pipelines import PIPELINES


def test_every_data_type_has_both_halves() -> None:
    assert set(PIPELINES.names) == set(DATATYPES.names)
