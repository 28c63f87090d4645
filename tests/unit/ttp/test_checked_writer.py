"""Notes go nowhere that is not allowed, whatever a record says, and to the addresses that were checked."""

from __future__ import annotations

import pytest

from synergos.domain.addresses import Places
from synergos.program.destinations import Destinations
from synergos_ttp.tracking.checked_writer import CheckedWriter
from synergos_ttp.tracking.notes import AbandonedNotes, Notes, NotWritten, Target, from_line, to_line


class Recorder:
    """Remembers what is to be written."""

    def __init__(self) -> None:
        self.seen: list[Notes] = []

    def write(self, notes: Notes) -> None:
        self.seen.append(from_line(to_line(notes)))

    def close(self) -> None:
        """Has nothing to let go of."""


def written(address: str | None, *listed: str) -> Target:
    recorder = Recorder()
    writer = CheckedWriter(recorder, Destinations("--allow_mlops", Places.read(listed)))
    writer.write(AbandonedNotes(Target("heart_>_risk_>_logistic", "first", address), "job"))
    return recorder.seen[0].target


def test_the_local_store_is_always_allowed() -> None:
    assert written(None).connect_to is None


@pytest.mark.parametrize("address", ["http://10.0.0.9:5500", "https://10.0.0.9:5500"])
def test_a_server_that_is_listed_is_written_to_at_its_address(address: str) -> None:
    target = written(address, "10.0.0.9:5500")

    assert (target.address, target.connect_to, target.collaboration) == (address, ("10.0.0.9",), "heart")


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.9:5501",
        "http://10.0.0.8:5500",
        "http://10.0.0.9:5500@10.0.0.8:5500",
        "http://10.0.0.8/10.0.0.9:5500",
        "http://10.0.0.9:5500/elsewhere",
        "http://10.0.0.9:99999",
        "file:///etc",
    ],
)
def test_a_server_that_is_not_listed_is_refused(address: str) -> None:
    with pytest.raises(NotWritten, match="AddressNotAllowed"):
        written(address, "10.0.0.9:5500")


def test_where_none_is_listed_none_is_written_to() -> None:
    with pytest.raises(NotWritten, match="AddressNotAllowed"):
        written("http://10.0.0.9:5500")
