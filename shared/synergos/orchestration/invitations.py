"""Invitations: whom a collaboration belongs to lets a participant register for a project; the participant may ask for that first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synergos import bodies
from synergos.bodies.declarations import Invitation
from synergos.domain.invitation import STATE, InvitationState
from synergos.domain.records import Ids, Kind, Record, restrict
from synergos.errors import Conflict, InvalidRequest, RecordNotFound, TooManyAtOnce
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.terms import AS_EVER, Terms
from synergos.orchestration.view import View
from synergos.records.paging import Selection
from synergos.records.store import RecordStore

MOST_ASKED = 32
"""Participants that wait for an invitation to one project; who asks then is told to ask its owner by other means."""
_WITHOUT_ACCOUNTS = (
    "there are no accounts here, so that whoever reaches this port registers anybody; this counts as soon as there are"
)


class Invitations(Declarations[Invitation]):
    """The invitations to projects; those that were only asked for let nobody in."""

    kind = Kind.INVITATION
    schema = bodies.INVITATION
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """Invite a participant, as whom the collaboration belongs to; as the participant, ask for it.

        Raises:
            InvalidRequest: the body says something else than becomes of it.
            NotPermitted: the caller is neither.
            ConditionFailed: what is there is not as ``terms`` has it.
            RecordNotFound: there is no such project, or the participant has no profile.
            Conflict: whoever asks is registered.
            TooManyAtOnce: so many have asked already.
            QuotaExceeded: the collaboration would have more records than it may.
        """
        invites = self.access.owns(caller, ids["collab_id"])
        with self.writing(terms):
            before = self._stored(ids)
            state = InvitationState.INVITED if invites or is_invited(before) else InvitationState.ASKED
            if body.get(STATE) not in (None, state.value):
                raise InvalidRequest(f"expected {state.value!r}, which it becomes by this account, or nothing", STATE)
            # What follows looks at what it has left; all of it is undone together, where it is only tried.
            view = super().declare(caller, ids, {**body, STATE: state.value}, replace(terms, is_rehearsal=False))
            if state is InvitationState.ASKED:
                self._check_asking(ids)
            return replace(view, warnings=(_WITHOUT_ACCOUNTS,)) if caller.may_everything else view

    def release(self, record: Record) -> None:
        """Refuse to take back what somebody has made use of: that is a registration's to end.

        Raises:
            Conflict: the participant is registered.
        """
        if _is_registered(self.store, record["key"]):
            who = record["key"]["participant_id"]
            raise Conflict(
                f"participant {who!r} is registered: delete its registration, which takes the invitation along"
            )

    def _check_asking(self, ids: Ids) -> None:
        """Refuse what was just asked for; where it is, nothing of the transaction holds."""
        if _is_registered(self.store, ids):
            raise Conflict(
                f"participant {ids['participant_id']!r} is registered for project {ids['project_id']!r} already"
            )
        asked = Selection(restrict(ids, Kind.PROJECT), saying={STATE: [InvitationState.ASKED.value]})
        if self.store.count(self.kind, asked) > MOST_ASKED:
            raise TooManyAtOnce(
                f"{MOST_ASKED} participants have asked for an invitation to project {ids['project_id']!r} already: whom collaboration"
                f" {ids['collab_id']!r} belongs to may invite you unasked, or delete what was asked for"
            )

    def _replaced(self, before: Record | None, after: Record) -> tuple[str, ...]:
        """Nothing: to invite whom one has invited, or who has asked for it, is no mistake."""
        return ()


def is_invited(invitation: Mapping[str, object] | None) -> bool:
    """Whether what is stored as an invitation lets somebody in."""
    return invitation is not None and invitation.get(STATE) == InvitationState.INVITED


def withdraw(store: RecordStore, ids: Ids) -> None:
    """Let a participant register no more that does not register now; called in the transaction that removes it."""
    if store.find(Kind.INVITATION, restrict(ids, Kind.INVITATION)):
        store.delete(Kind.INVITATION, ids)


def may_return(store: RecordStore, ids: Ids) -> None:
    """Let a participant that leaves by itself come back; called in the transaction in which it leaves."""
    if not any(map(is_invited, store.find(Kind.INVITATION, restrict(ids, Kind.INVITATION)))):
        store.put(Kind.INVITATION, ids, {STATE: InvitationState.INVITED.value})


def _is_registered(store: RecordStore, ids: Ids) -> bool:
    try:
        store.get(Kind.REGISTRATION, ids)
    except RecordNotFound:
        return False
    return True
