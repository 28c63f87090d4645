"""Who may do and see what: the one place that decides it; docs/accounts.md has the same as a table.

A record lies in a collaboration, and some lie with a participant too. Whoever a collaboration belongs to has all of it. A
participant has what lies with it, wherever that is. Everybody else with an account has what tells of no participant.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace

from synergos.domain.invitation import STATE, InvitationState
from synergos.domain.records import RECORD_TYPES, Ids, Kind
from synergos.domain.roles import Role
from synergos.errors import NotPermitted, RecordNotFound
from synergos.orchestration.caller import Caller
from synergos.orchestration.disclosure import Sight
from synergos.records.accounts import Accounts
from synergos.records.owners import HAVE_OWNERS, Owners
from synergos.records.paging import Selection
from synergos.records.store import RecordStore

OF_PARTICIPANTS = frozenset(kind for kind, of in RECORD_TYPES.items() if "participant_id" in of.key_fields)
"""The kinds of record that each lie with one participant."""
_DECLARED_BY_PARTICIPANTS = frozenset({Kind.PARTICIPANT, Kind.INVITATION, Kind.REGISTRATION, Kind.TAG})


class Access:
    """What callers may do with the records of one store, and see of them.

    Args:
        bound: participants that sign in elsewhere, beside those that have accounts here.
    """

    def __init__(self, store: RecordStore, bound: Collection[str] = ()) -> None:
        self._store = store
        self._owners = Owners(store)
        self._accounts = Accounts(store)
        self._bound = frozenset(bound)

    # What is changed

    def check_declaring(self, caller: Caller, kind: Kind, key: Ids) -> None:
        """Return when somebody may declare a record, or change it; called in the transaction that does.

        Raises:
            NotPermitted: it is another's; says whose.
        """
        if caller.may_everything:
            return
        if kind is Kind.INVITATION and self.owns(caller, key["collab_id"]):
            return
        if kind in _DECLARED_BY_PARTICIPANTS:
            self._check_participant(caller, key["participant_id"])
            if kind is Kind.REGISTRATION:
                self._check_invited(caller, key)
        elif kind is Kind.COLLABORATION and not self._is_there(kind, key):
            if caller.role is not Role.ORCHESTRATOR:
                raise NotPermitted(
                    f"a collaboration is declared by an account of the role {Role.ORCHESTRATOR}; this one is {_a(caller)}"
                )
        else:
            self.check_working(caller, key)

    def check_deleting(self, caller: Caller, kind: Kind, key: Ids) -> None:
        """Return when somebody may delete a record: whose it is, and of what others have in a collaboration whose that is.

        Raises:
            NotPermitted: it is another's.
        """
        if caller.may_everything or (
            kind in OF_PARTICIPANTS and "collab_id" in key and self.owns(caller, key["collab_id"])
        ):
            return
        if kind in _DECLARED_BY_PARTICIPANTS:
            self._check_participant(caller, key["participant_id"])
        else:
            self.check_declaring(caller, kind, key)

    def check_working(self, caller: Caller, ids: Ids) -> None:
        """Return when somebody may have something done in a collaboration, and change what lies in it.

        Raises:
            NotPermitted: it is another's.
        """
        if self.owns(caller, ids["collab_id"]):
            return
        if caller.role is not Role.ORCHESTRATOR:
            raise NotPermitted(
                f"this takes an account that collaboration {ids['collab_id']!r} belongs to; this one is {_a(caller)}"
            )
        command = shlex.join(["synergos", "account", "grant", caller.name, ids["collab_id"]])
        raise NotPermitted(
            f"collaboration {ids['collab_id']!r} is not there, or belongs to another account than {caller.name}: whoever runs the"
            f" orchestrator lets it belong to this one too by `{command}`"
        )

    def check_acting_for(self, caller: Caller, participant_id: str) -> None:
        """Return when somebody may have a participant's own data used: itself.

        Raises:
            NotPermitted: it is another.
        """
        if not caller.may_everything:
            self._check_participant(caller, participant_id)

    def note_declared(self, caller: Caller, kind: Kind, key: Ids, *, is_new: bool) -> None:
        """A record was declared: remember whose it is; called in the transaction that did."""
        if kind not in HAVE_OWNERS:
            return
        own = _own_id(kind, key)
        if is_new:
            self._owners.release(kind, own)
        if caller.may_everything:
            return
        if kind is Kind.PARTICIPANT and caller.participant == own:
            # Whoever declared it in its place before does so no more.
            self._owners.make_only(kind, own, caller.name)
        elif is_new:
            self._owners.give(kind, own, caller.name)

    def note_deleted(self, kind: Kind, key: Ids) -> None:
        """A record was deleted: it belongs to nobody; called in the transaction that did."""
        if kind in HAVE_OWNERS:
            self._owners.release(kind, _own_id(kind, key))

    # What is seen

    def owns(self, caller: Caller, collab_id: str) -> bool:
        """Whether somebody has all of a collaboration."""
        return caller.may_everything or (
            caller.role is Role.ORCHESTRATOR and self._owners.owns(Kind.COLLABORATION, collab_id, caller.name)
        )

    def check_reading(self, caller: Caller, kind: Kind, ids: Ids) -> None:
        """Return when somebody may read a record, as far as it is told them; whether there is one is not looked at.

        Raises:
            NotPermitted: it lies with another participant.
        """
        if not self.may_read(caller, kind, ids):
            raise NotPermitted(
                f"this takes an account that the {kind.value} lies with, or its collaboration belongs to; this one is {_a(caller)}"
            )

    def check_reading_job(self, caller: Caller, keys: Ids) -> None:
        """Return when somebody may hear of a job; see :meth:`may_read_job`.

        Raises:
            NotPermitted: it is about another participant's data.
        """
        self.check_reading(caller, _kind_of_job(keys), keys)

    def narrowed(self, caller: Caller, kind: Kind, wanted: Selection) -> Selection:
        """Of the records that somebody wants, those that they may read.

        Raises:
            NotPermitted: none, whichever there are.
        """
        if caller.may_everything or kind not in OF_PARTICIPANTS or self.may_read(caller, kind, wanted.ids):
            return wanted
        if (
            caller.participant is not None
            and wanted.ids.get("participant_id", caller.participant) == caller.participant
        ):
            return replace(wanted, ids={**wanted.ids, "participant_id": caller.participant})
        if caller.role is Role.ORCHESTRATOR and "collab_id" not in wanted.ids:
            return replace(wanted, among={**wanted.among, "collab_id": self.owned(caller)})
        self.check_reading(caller, kind, wanted.ids)
        return wanted

    def owned(self, caller: Caller) -> list[str]:
        """The collaborations that belong to somebody who may not everything."""
        return self._owners.owned(Kind.COLLABORATION, caller.name) if caller.role is Role.ORCHESTRATOR else []

    def acted_for(self, caller: Caller) -> list[str]:
        """The participants that somebody who may not everything declares and asks for: itself, or those it stands for."""
        if caller.role is not Role.ORCHESTRATOR:
            return [] if caller.participant is None else [caller.participant]
        bound = self._bound | self._accounts.bound()
        return [who for who in self._owners.owned(Kind.PARTICIPANT, caller.name) if who not in bound]

    def working_on(self, caller: Caller) -> list[str] | None:
        """The collaborations that somebody may have something done in; None for all.

        Raises:
            NotPermitted: collaborations belong to no such account.
        """
        if caller.may_everything:
            return None
        if caller.role is not Role.ORCHESTRATOR:
            raise NotPermitted(f"this takes an account of the role {Role.ORCHESTRATOR}; this one is {_a(caller)}")
        return self.owned(caller)

    def is_member(self, caller: Caller, project: Ids) -> bool:
        """Whether somebody is a participant that is registered for a project."""
        if caller.participant is None:
            return False
        own = {name: project[name] for name in ("collab_id", "project_id")} | {"participant_id": caller.participant}
        return bool(self._store.find(Kind.REGISTRATION, own))

    def sight(self, caller: Caller) -> Sight:
        """What somebody is told of the records of the store; of participants' own ones all that they may read."""
        owned = None if caller.may_everything else frozenset(self.owned(caller))
        return Sight(owned, caller.participant)

    def may_read(self, caller: Caller, kind: Kind, ids: Ids) -> bool:
        """Whether somebody may read a record, as far as it is told them; of part of a key, all that has it."""
        if caller.may_everything or kind not in OF_PARTICIPANTS:
            return True
        if caller.participant is not None and caller.participant == ids.get("participant_id"):
            return True
        if kind is Kind.PARTICIPANT:
            return caller.role is Role.ORCHESTRATOR
        return "collab_id" in ids and self.owns(caller, ids["collab_id"])

    def may_read_job(self, caller: Caller, keys: Ids) -> bool:
        """Whether somebody may hear of a job, by its keys: as of a prediction where it is about one participant's data alone."""
        return self.may_read(caller, _kind_of_job(keys), keys)

    def _check_participant(self, caller: Caller, participant_id: str) -> None:
        """Return when somebody is a participant, or stands for one that has no account of its own.

        Raises:
            NotPermitted: neither.
        """
        if caller.role is Role.PARTICIPANT and caller.participant == participant_id:
            return
        if caller.role is not Role.ORCHESTRATOR:
            raise NotPermitted(f"this takes the account of participant {participant_id!r}; this one is {_a(caller)}")
        if participant_id in self._bound or self._accounts.is_bound(participant_id):
            raise NotPermitted(f"participant {participant_id!r} has an account of its own, which this takes")
        key = {"participant_id": participant_id}
        if self._is_there(Kind.PARTICIPANT, key) and not self._owners.owns(
            Kind.PARTICIPANT, participant_id, caller.name
        ):
            raise NotPermitted(f"participant {participant_id!r} was declared by another account than {caller.name}")

    def _check_invited(self, caller: Caller, key: Ids) -> None:
        """Return when a participant may register for a project, or change how it did: else it made itself a member of any.

        Raises:
            NotPermitted: whom the collaboration belongs to has not invited it.
        """
        if self.owns(caller, key["collab_id"]) or self._is_there(Kind.REGISTRATION, key):
            return
        own = {name: key[name] for name in RECORD_TYPES[Kind.INVITATION].key_fields}
        invitations = self._store.find(Kind.INVITATION, own)
        if any(invitation.get(STATE) == InvitationState.INVITED for invitation in invitations):
            return
        command = shlex.join(["synergos", "invitation", "create", "/".join(own.values())])
        raise NotPermitted(
            f"participant {key['participant_id']!r} is not invited to project {key['project_id']!r}: whom collaboration"
            f" {key['collab_id']!r} belongs to lets it register by `{command}`, and it asks for that by the same"
        )

    def _is_there(self, kind: Kind, key: Ids) -> bool:
        try:
            self._store.get(kind, key)
        except RecordNotFound:
            return False
        return True


def _kind_of_job(keys: Ids) -> Kind:
    """The kind of record that is read by whoever may hear of a job."""
    return Kind.PREDICTION if "participant_id" in keys else Kind.RUN


def _own_id(kind: Kind, key: Mapping[str, str]) -> str:
    return key[RECORD_TYPES[kind].key_fields[-1]]


def _a(caller: Caller) -> str:
    return (
        f"that of participant {caller.participant!r}"
        if caller.participant is not None
        else f"of the role {caller.role}"
    )
