"""Every failure Synergos raises on purpose.

SynergosError
├── InvalidRequest          the caller sent something we cannot act on; names the field
│   ├── UnknownName         … and it is a name we have near misses for
│   ├── UnusableData        … or it is fine, but the participant's data it points at is not
│   └── NotAllowed          … or it is more than the owner of the data allows
│       └── NotYetAllowed   … as long as the owner has not decided
├── NotSignedIn             whoever asks has said nothing that shows who it is
│   ├── TooManyAttempts     … has been wrong too often; ask again later
│   └── IssuerAway          … or nobody knows, as who vouches for it cannot be asked
├── NotPermitted            … is known, and may not do that
├── RecordNotFound          nothing is stored under that key
├── Conflict                the request is sound, but not in the present state
│   ├── FeatureDrift        data no longer fits the feature space that was agreed
│   ├── ConditionFailed     a record is not what whoever changes it has seen of it
│   └── DamagedRecord       what the record store has of something cannot be read
├── QuotaExceeded           a collaboration has as much as it may have
│   └── TooManyAtOnce       … at the same time; ask again later
├── NotSupported            this kind of grid cannot do it
│   └── NotInstalled        … or this installation cannot; names the extra that brings what it takes
├── ServiceStopping         this program is about to end; ask again when it is back
├── NotRecorded             it cannot be written down that this is done, and so it is not
├── ClientGone              whoever waited for an answer has hung up; what was asked for goes on
└── GridError               something went wrong between the orchestrator and a participant
    ├── WorkerUnreachable   no answer
    ├── WorkerRefused       an answer, and it was no
    │   ├── WorkerConflict  … not as things stand: the data has changed since the alignment, or somebody is busy
    │   ├── WorkerAwaitsApproval … not until the owner of its data approves of who asks
    │   ├── WorkerForbids   … because the owner of its data does not allow it
    │   └── WorkerMistaken  … because it is not the worker that was meant, or not this port of it
    ├── Diverged            a participant's training has no finite loss, or moves the model absurdly far
    ├── NotNeeded           what it was asked for is of no use any more: others have failed, or it is too late
    └── WireFormatError     bytes that are not a message of ours
JobStopped                  a job is to stop; control flow and no failure, so whoever catches those lets it pass
├── JobCancelled            … because somebody asked for it
├── TrialPruned             … because a study's other trials are better by now
└── JobInterrupted          … because the program stops; the job goes on when it is started again
    └── LeaseLost           … because somebody else has taken it up

No HTTP in here: ``synergos.rest.errors`` decides which status each one becomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import ceil
from types import MappingProxyType

_LONGEST_NAME = 400
"""Characters of a name or a place that are repeated to who sent it: a name may have megabytes."""


class SynergosError(Exception):
    """Root of every failure raised on purpose."""


class InvalidRequest(SynergosError):
    """The caller sent something we cannot act on.

    Args:
        message: what is wrong and what was expected.
        field: where it stands, written as a path (``model[2].l_type``); of a long one the beginning.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        field = field and _beginning(field)
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class UnknownName(InvalidRequest):
    """A name that is not known, with the near misses that are.

    Args:
        meant: what other programs' word for the same thing means here; said instead of near misses.
        listed: names to say where none is near.
    """

    def __init__(
        self,
        name: object,
        known: Iterable[str],
        field: str,
        what: str,
        *,
        meant: str | None = None,
        listed: Sequence[str] = (),
    ) -> None:
        near = [meant] if meant else get_close_matches(str(name), list(known), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        hint = hint or (f"; known are {', '.join(listed)}" if listed else "")
        super().__init__(f"{_beginning(str(name))!r} is not {what}{hint}", field)


class UnusableData(InvalidRequest):
    """A participant's data cannot be used as it lies on its disk; names file, column and what was expected, never a cell."""


class NotAllowed(InvalidRequest):
    """More is asked of a worker than the owner of its data allows; names the limit, its value, and what was asked."""


class NotSignedIn(SynergosError):
    """Whoever asks has not shown who it is: said nothing, or something wrong; which of that, it is not told."""


class TooManyAttempts(NotSignedIn):
    """Somebody has been wrong too often, and is not listened to for a while.

    Args:
        seconds: for how long.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, ceil(seconds))
        super().__init__(f"too many attempts to sign in were wrong; ask again in {self.seconds} s")


class IssuerAway(NotSignedIn):
    """Who vouches for somebody cannot be asked now whether it did."""


class NotPermitted(SynergosError):
    """Whoever asks is known, and may not do or see that; names what would have to be otherwise."""


class NotYetAllowed(NotAllowed):
    """The owner of the data has not decided whether to allow it, yet; says what, and how that is allowed."""


class RecordNotFound(SynergosError):
    """Nothing is stored under that key.

    Args:
        message: what there is not.
        field: which part of the request named it, where that needs saying.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class Conflict(SynergosError):
    """The request is sound, but cannot be carried out in the present state."""


class ConditionFailed(Conflict):
    """A record is not what whoever changes it has seen of it; nothing of the change is done.

    Args:
        message: what is otherwise.
        field: which part of the request named it, where that needs saying.
        changed: what it says by now in the fields that have been changed since, as far as that is known.
        revision: what stands for it as it is now; None where there is none.
    """

    def __init__(
        self,
        message: str,
        field: str | None = None,
        changed: Mapping[str, object] = MappingProxyType({}),
        revision: str | None = None,
    ) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.changed = changed
        self.revision = revision


class FeatureDrift(Conflict):
    """The data no longer fits the feature space that was agreed at alignment."""


class DamagedRecord(Conflict):
    """What the record store has of something cannot be read.

    Args:
        what: its kind and its ids.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the record store's {what} is damaged: declare it anew, or delete it")


class QuotaExceeded(SynergosError):
    """A collaboration has as much as it may have of what all share; says which quota it is, and which setting."""


class TooManyAtOnce(QuotaExceeded):
    """It has as much as it may have at the same time; when some of that has ended there is room again."""


class NotSupported(SynergosError):
    """This kind of grid cannot do what was asked."""


class NotInstalled(NotSupported):
    """What was asked takes a package that is not installed here."""


class NotRecorded(SynergosError):
    """The ledger of use cannot be written, and nothing is done that is not written down."""


class ClientGone(SynergosError):
    """Whoever waited for an answer has hung up; what was asked for goes on."""


class ServiceStopping(SynergosError):
    """This program is about to end; whoever asks should ask again when it is back."""


class GridError(SynergosError):
    """Something went wrong between the orchestrator and a participant."""

    def __init__(self, message: str, participant: str | None = None) -> None:
        super().__init__(f"{participant}: {message}" if participant else message)
        self.participant = participant


class WorkerUnreachable(GridError):
    """A participant's worker gave no answer."""


class WorkerSilent(WorkerUnreachable):
    """Nothing comes from where a participant's worker is, not even that nobody is there: the line may be cut."""


class WorkerRefused(GridError):
    """A participant's worker answered, and the answer was no.

    Args:
        status: the HTTP status the worker answered with.
    """

    def __init__(self, message: str, participant: str | None = None, status: int = 422) -> None:
        super().__init__(message, participant)
        self.status = status


class WorkerConflict(WorkerRefused):
    """A participant's worker cannot do it as things stand: its data has changed since the alignment, or it is busy."""

    def __init__(self, message: str, participant: str | None = None, status: int = 409) -> None:
        super().__init__(message, participant, status)


class WorkerAwaitsApproval(WorkerRefused):
    """The owner of a participant's worker has not approved of this orchestrator, or of what it wants to compute, yet.

    Says who is to approve of what, and how.
    """

    def __init__(self, message: str, participant: str | None = None, status: int = 424) -> None:
        super().__init__(message, participant, status)


class WorkerForbids(WorkerRefused):
    """A participant's worker is not allowed to do it: the policy of its owner has a limit, which is named."""

    def __init__(self, message: str, participant: str | None = None, status: int = 403) -> None:
        super().__init__(message, participant, status)


class WorkerMistaken(WorkerRefused):
    """Somebody else answers where a participant's worker is registered, or its other port: no waiting mends that."""

    def __init__(self, message: str, participant: str | None = None) -> None:
        super().__init__(message, participant, 424)


class WireFormatError(GridError):
    """Bytes that are not a message of ours, or not the message that was expected."""


class Diverged(GridError):
    """A training diverges: a participant's losses or values are not finite, or it moves the model absurdly far."""


class NotNeeded(GridError):
    """What a participant was asked for is of no use any more."""


class JobStopped(Exception):
    """A job is to stop. Not a failure: nobody who handles failures is to handle this."""


class JobCancelled(JobStopped):
    """Somebody asked the job to stop."""


class TrialPruned(JobStopped):
    """The training is a study's trial, and the others' losses leave it no hope."""


class JobInterrupted(JobStopped):
    """The program stops; the job goes on when it is started again."""


class LeaseLost(JobInterrupted):
    """Whoever ran the job was believed dead, and somebody else has taken it up; or it was ended meanwhile."""


def _beginning(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
