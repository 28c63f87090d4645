"""Invitations: which participants' accounts may register for a project, and which have asked to be let in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.orchestrator.problems import Nonsense, Refused

_MOST = 200


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


def within(client: Client, spot: Spot) -> list[Invitation] | None:
    """Those to a project, or to all of a collaboration; None where whoever asks may not know them."""
    return _listed(client, *spot.parts, "invitations")


def to(client: Client, participant_id: str) -> list[Invitation] | None:
    """Those to a participant; None where whoever asks may not know them."""
    return _listed(client, "connect", "participants", participant_id, "invitations")


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
    record, revision = answer.get("data"), answer.get("revision")
    return replace(_invitation(record if isinstance(record, dict) else {}), revision=str(revision or ""))


def _parts(place: Place) -> tuple[str, ...]:
    return (*place.parts[:-1], "invitation")


def _listed(client: Client, *parts: str) -> list[Invitation] | None:
    try:
        found = client.records(dict[str, Any], *parts, query={"limit": _MOST, "order": "newest"})
    except Refused as error:
        if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return None
        raise
    return [_invitation(each) for each in found.items]


def _invitation(record: dict[str, Any]) -> Invitation:
    key = record.get("key") or {}
    try:
        place = Place(key["collab_id"], key["project_id"], key["participant_id"])
    except (KeyError, TypeError) as error:
        raise Nonsense(f"the orchestrator's answer is not what was expected: an invitation without {error}") from error
    return Invitation(place, str(record.get("state")))
