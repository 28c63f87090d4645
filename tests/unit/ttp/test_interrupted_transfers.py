"""A message whose line was cut goes on; where nothing comes further, it is waited for longer each time."""

from __future__ import annotations

import torch

from synergos.domain.grid import Node
from synergos.learning.algorithms import Bag
from synergos.wire import Parcel, encode_parcel
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.interrupted_transfers import InHand, Received
from synergos_ttp.workers.limits import Limits

MESSAGE = encode_parcel(Parcel(Bag({"weights": {"w": torch.zeros(50_000)}}), None, {"round": 0}))


def received(size: int) -> Received:
    return Received(bytes=size, of=MESSAGE.whole, digest=MESSAGE.digest)


def test_connections_that_bring_a_message_no_further_are_counted() -> None:
    known = InHand("/rounds/0", MESSAGE)
    counts = []
    for size in (0, 1000, 2000, 2000, 2000, 3000, 1000):
        known.rest(received(size))
        known.go_on()
        counts.append(known.vain)

    assert counts == [1, 0, 0, 1, 2, 0, 1]


def test_silence_is_borne_longer_after_each_of_them_and_no_longer_than_a_line_that_is_cut() -> None:
    data = DataPlane(Node("a", "127.0.0.1", 1, 2), "s", Limits(stall=8.0, long_poll=2.0, outage=90.0), lambda: None)
    known = data._in_hand = InHand("/rounds/0", MESSAGE)
    borne = []
    for known.vain in range(4):
        borne.append(data._stall)

    assert borne == [10.0, 40.0, 90.0, 90.0]
