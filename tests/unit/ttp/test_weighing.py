"""What is known of shortened updates, round after round and after a kill."""

from __future__ import annotations

import json

import msgspec

from synergos.domain.trained_model import Limited
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.update_limits import Shortened
from synergos_ttp.stages.weighing import Weighing, WeighingState


def test_the_shortest_update_is_told_of_and_known_after_a_kill() -> None:
    weighing = Weighing()
    for factor, reason in [(0.5, "far"), (0.25, "farther"), (0.9, "a little")]:
        weighing.note({"liar": Shortened(factor, reason)})

    written = json.loads(json.dumps(msgspec.to_builtins(weighing.state)))
    assert written["shortened"] == {"liar": {"rounds": 3, "least": 0.25, "reason": "farther"}}

    resumed = Weighing()
    resumed.resume(msgspec.convert(written, WeighingState), FedAvg())
    assert resumed.limited == weighing.limited == {"liar": Limited(rounds=3, least=0.25, reason="farther")}
    assert resumed.state == weighing.state
