"""What to do about each error that can end a job, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from synergos_portal.orchestrator.jobs import Job, JobError
from synergos_portal.web.current import may_orchestrate
from synergos_portal.web.links import page_at
from synergos_portal.web.words import _, lazy

_UNFORESEEN = lazy("Nobody foresaw this. The log of the TTP at that time says more; run the job again once.")

REMEDIES: Mapping[str, str] = {
    # The request, or what was declared.
    "InvalidRequest": lazy("Put right what the sentence names, where it was declared, and run the job again."),
    "UnknownName": lazy("There is nothing of that name. Put the name right where it was declared, and run the job again."),
    "RecordNotFound": lazy("What the job needs is not there, or was deleted. Declare or make it again, then run the job again."),
    "Conflict": lazy("Something has changed since. Do what the sentence says, usually align the project again, then run the job again."),
    "ConditionFailed": lazy("Somebody else has changed it meanwhile. Read what it says now, then run the job again."),
    "DamagedRecord": lazy("What is stored of it cannot be read. Declare it again, then run the job again."),
    "QuotaExceeded": lazy("The collaboration has as much as it may have. Delete what is not needed, or ask whoever runs the orchestrator for more."),
    "TooManyAtOnce": lazy("The collaboration has as many jobs waiting as it may have. Wait until some have ended, then run it again."),
    "NotSupported": lazy("This kind of grid cannot do it. Ask for something that it can."),
    "NotInstalled": lazy("Something is not installed at the program that the sentence names. Whoever runs it installs that."),
    # A participant's data.
    "UnusableData": lazy("The participant's data cannot be used as it lies there. Its owner puts right the folder, file or column that is named, or the tag that leads there."),
    "FeatureDrift": lazy("The data has changed since it was agreed on. Align the project again, then run the job again."),
    # What the owner of the data allows.
    "NotAllowed": lazy("The owner of the data allows less than was asked for. Ask for less, or ask the owner to allow it."),
    "NotYetAllowed": lazy("The owner of the data has to decide first. The command in the sentence does it, at the owner's."),
    "WorkerForbids": lazy("The owner of the data does not allow it. Ask for less, or ask the owner to allow it."),
    "WorkerAwaitsApproval": lazy("The owner of the data has to approve first. The command in the sentence does it, at the owner's; then run the job again."),
    "NotPermitted": lazy("Whoever asked may not do that. Ask with an account that may."),
    "NotSignedIn": lazy("Somebody who was asked wants to know who asks. Check the accounts and tokens that programs were given."),
    "TooManyAttempts": lazy("Too many attempts to sign in were wrong. Check the accounts and tokens that programs were given, and wait a while."),
    "IssuerAway": lazy("Who vouches for accounts could not be asked. Run the job again when it answers."),
    # The way to a worker.
    "GridError": lazy("Something went wrong between the orchestrator and the participant. See below whether its node answers, then run the job again."),
    "WorkerUnreachable": lazy("The participant's worker did not answer in time. See below whether its node answers now; its owner starts it, or the address in its registration is put right. Then run the job again."),
    "WorkerSilent": lazy("The participant's worker was there and said nothing in time: it is very busy, or the line to it is very slow. See below whether its node answers now, then run the job again."),
    "WorkerRefused": lazy("The participant's worker refused. Put right what the sentence names, then run the job again."),
    "WorkerConflict": lazy("It cannot be done at the participant as things stand: its data has changed since the alignment, or it is busy. Align again where data has changed, then run the job again."),
    "WorkerMistaken": lazy("Somebody else answers at the address that is registered. Put the host and the two ports of the registration right, then run the job again."),
    "WireFormatError": lazy("What came from the participant cannot be read. Orchestrator and worker may be of releases that do not go together: compare their versions below."),
    "NotNeeded": lazy("It was not needed any more because another participant failed. See the events for whom."),
    # The training itself.
    "Diverged": lazy("The training has no finite loss any more. Give the run a smaller learning rate or let it end before it diverges, then train it again."),
    # The programs.
    "NotRecorded": lazy("A program could not write down what it does, and so does not do it. Its disk may be full; see its health."),
    "OutputError": lazy("Results could not be written. See whether the disk of the TTP is full and its folder may be written to, then run the job again."),
    "ServiceStopping": lazy("The program was being stopped. Run the job again when it is back."),
    "ClientGone": lazy("Whoever waited has hung up. Run the job again."),
    "InternalError": _UNFORESEEN,
    "JobInterrupted": lazy("The job brought down the program that ran it, again and again: it may take more memory than there is. Try it with less, and see the log of the TTP."),
    "LeaseLost": lazy("Another TTP has taken the job up. There is nothing to do."),
    "JobStopped": lazy("It was stopped. Run it again if it is wanted."),
    "JobCancelled": lazy("It was stopped on request. Run it again if it is wanted."),
    "TrialPruned": lazy("The other trials of its study left it no hope, so it was ended early. There is nothing to do."),
    "SynergosError": _UNFORESEEN,
}  # fmt: skip
"""By the kind of the error, as a job's record has it."""
_NETWORK = frozenset({"GridError", "WorkerUnreachable", "WorkerSilent", "WorkerRefused", "WorkerConflict", "WorkerMistaken", "WireFormatError", "WorkerAwaitsApproval", "WorkerForbids"})  # fmt: skip
_ALIGN_AGAIN = frozenset({"FeatureDrift", "Conflict", "WorkerConflict"})
_FOLDER = re.compile(r"\btags\.(train|evaluate|predict)\[([0-9]{1,6})\]")
_TAG = re.compile(r"\btags(\.|\b)")


@dataclass(frozen=True)
class Place:
    """A page on which something can be put right."""

    address: str
    text: str


def remedy(error: JobError) -> str:
    """What to do."""
    # A worker that refuses a folder says so in its sentence alone.
    is_data = error.kind == "WorkerRefused" and _FOLDER.search(error.message)
    return str(REMEDIES.get("UnusableData" if is_data else error.kind, _UNFORESEEN))


def places(job: Job, error: JobError) -> list[Place]:
    """Where to do it, the likeliest first."""
    found = [*_of_participant(job, error), *_of_definition(job, error), *_of_project(job, error)]
    return list({place.address: place for place in found}.values())


def looks_at_nodes(error: JobError | None) -> bool:
    """Whether it matters if a participant's node answers now."""
    return error is not None and (error.kind in _NETWORK or error.participant is not None)


def _of_participant(job: Job, error: JobError) -> list[Place]:
    who = error.participant
    if who is None or "project_id" not in job.keys:
        return []
    registration = ("participants", who, "registrations", job.keys["collab_id"], job.keys["project_id"])
    # A worker that refuses says which folder in its sentence alone.
    folder = _FOLDER.search(f"{error.field or ''} {error.message}")
    is_tag = folder or (error.field is not None and _TAG.search(error.field)) or error.kind == "UnusableData"
    text = _("The tags of %(who)s", who=who) if is_tag else _("The registration and nodes of %(who)s", who=who)
    found = _place(text, *registration) or _place(text, "participants", who)
    return [replace(place, address=place.address + _anchor(folder)) for place in found] if is_tag else found


def _anchor(named: re.Match[str] | None) -> str:
    """Where the page of a registration has the folder that is named, as ``tags.train[0]``."""
    return f"#{named[1]}-{named[2]}" if named else "#tags"


def _of_definition(job: Job, error: JobError) -> list[Place]:
    field = error.field or ""
    if not field or _TAG.search(field):
        return []
    if field.startswith(("model", "layer")):
        experiment = _below(job, "expt_id")
        text = _("The layers: %(field)s", field=field)
        return _place(text, *experiment, "edit") or _place(text, *experiment)
    run = _below(job, "run_id")
    text = _("The hyperparameter %(field)s", field=field)
    return _place(text, *run, "edit") or _place(text, *run)


def _of_project(job: Job, error: JobError) -> list[Place]:
    project = _below(job, "project_id")
    if not project:
        return []
    if error.kind in _ALIGN_AGAIN:
        return _place(_("Align the project again"), *project, "launch")
    if error.kind == "Diverged":
        run = _below(job, "run_id")
        return _place(_("The hyperparameters of the run"), *run, "edit")
    return _place(_("The project"), *project)


_LEVELS = (
    ("collab_id", "collaborations"),
    ("project_id", "projects"),
    ("expt_id", "experiments"),
    ("run_id", "runs"),
)


def _below(job: Job, innermost: str) -> tuple[str, ...]:
    """The path of the page of what a job works on, down to one level; nothing where it works on no such thing."""
    return path_of(job.keys, innermost)


def path_of(keys: Mapping[str, str], innermost: str) -> tuple[str, ...]:
    """The parts of the path of a record's page; none where the keys have no such id."""
    parts: list[str] = []
    for name, noun in _LEVELS:
        if name not in keys:
            return ()
        parts += [noun, keys[name]]
        if name == innermost:
            return tuple(parts)
    return ()


def _place(text: str, *parts: str) -> list[Place]:
    if len(parts) < 2:
        # Below what the job does not work on.
        return []
    if parts[-1] in ("edit", "launch") and not may_orchestrate(parts[1]):
        parts = parts[:-1]
    address = page_at(*parts)
    return [] if address is None else [Place(address, text)]
