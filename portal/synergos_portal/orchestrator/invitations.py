"""Invitations: which participants' accounts may register for a project, and which have asked to be let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from synergos.foreign_json import mapping
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.orchestrator.problems import Nonsense, Refused

NEWEST: Query = {"limit": 50, "order": "newest"}
"""Shown on a page that has other things too."""


@dataclass(frozen=True)
class Invitation:
    """One of them.

    Attributes:
        state: ``invited``, or ``asked`` where the participant waits for an answer.
        revision: stands for what was read, where it was read alone.
    """

    place: Place
    state: str
    revision: str = ""

    @property
    def is_given(self) -> bool:
        """Whether it lets somebody in."""
        return self.state == "invited"


def within(client: Client, spot: Spot, query: Query = NEWEST) -> Listing[Invitation] | None:
    """A page of those to a project, or to all of a collaboration; None where whoever asks may not know them."""
    return _told(lambda: client.records(dict[str, object], *spot.parts, "invitations", query=query))


def to(client: Client, participant_id: str, query: Query = NEWEST) -> Listing[Invitation] | None:
    """A page of those to a participant; None where whoever asks may not know them."""
    parts = ("connect", "participants", participant_id, "invitations")
    return _told(lambda: client.records(dict[str, object], *parts, query=query))


def all_within(client: Client, project: Spot) -> Sequence[Invitation]:
    """All of those to a project; none where whoever asks may not know them."""
    found = within(client, project, {})
    return () if found is None else found.items


def has(client: Client, place: Place) -> bool:
    """Whether a participant is invited to a project, as far as whoever asks may know."""
    project: Query = {"collab_id": place.collab_id, "project_id": place.project_id, "limit": 1}
    found = to(client, place.participant_id, project)
    return found is not None and any(each.is_given for each in found.items)


def declare(client: Client, place: Place, revision: str = "") -> None:
    """Invite a participant; with the participant's own account, ask for it.

    Args:
        revision: of what was asked for, where this is the answer to that.

    Raises:
        Refused: whoever asks may not, there is no such participant, it is registered already, or asks no more.
    """
    client.answer("POST", *_parts(place), body={}, headers={"If-Match": f'"{revision}"'} if revision else {})


def take_back(client: Client, place: Place, revision: str) -> None:
    """Let somebody register no more, decline what was asked for, or ask no more.

    Raises:
        Refused: there is none, it is not as it was read, or the participant is registered.
    """
    client.delete(*_parts(place), unchanged_since=f'"{revision}"')


def read(client: Client, place: Place) -> Invitation:
    """One of them.

    Raises:
        Refused: there is none.
    """
    answer = client.answer("GET", *_parts(place))
    return replace(_invitation(mapping(answer.get("data"))), revision=str(answer.get("revision") or ""))


def _parts(place: Place) -> tuple[str, ...]:
    return (*place.parts[:-1], "invitation")


def _told(ask: Callable[[], Listing[dict[str, object]]]) -> Listing[Invitation] | None:
    try:
        found = ask()
    except Refused as error:
        if not error.is_untold:
            raise
        return None
    return Listing([_invitation(each) for each in found.items], found.next, found.params)


def _invitation(record: Mapping[str, object]) -> Invitation:
    key = mapping(record.get("key"))
    try:
        place = Place(*(str(key[name]) for name in ("collab_id", "project_id", "participant_id")))
    except KeyError as error:
        raise Nonsense(f"the orchestrator's answer is not what was expected: an invitation without {error}") from error
    return Invitation(place, str(record.get("state")))
