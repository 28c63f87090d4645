"""A TTP that is said to be one of a cluster's is one, or says what it lacks."""

from __future__ import annotations

import pytest

from synergos_ttp.__main__ import main


def test_a_ttp_of_a_cluster_needs_a_queue(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--deployment", "cluster"])

    assert ended.value.code == 2
    assert "--queue: one of a cluster's TTPs needs it" in capsys.readouterr().err
