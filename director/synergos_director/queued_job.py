"""A job as it is queued: what the original's programs read in a message, taken from the records.

Our TTP reads two ids of it, ``job_id`` and ``cluster``, and the rest from the records; grids, experiments and tags are copied
because the queue is an interface of its own, whose other readers have no record store.
"""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.grid import COMMAND_PORT, DATA_PORT, host_of
from synergos.domain.job import Job, Stage
from synergos.domain.messages import job_message
from synergos.domain.records import OWN_FIELDS, Kind, restrict
from synergos.domain.tags import Purpose
from synergos.records import Record, RecordStore

_OMITTED = OWN_FIELDS - {"key"}


def queued_job(store: RecordStore, job: Job, cluster: str) -> dict[str, object]:
    """The message that says a job is ready.

    Raises:
        RecordNotFound: what the job is about was deleted meanwhile.
    """
    project = store.get(Kind.PROJECT, restrict(job.keys, Kind.PROJECT))
    action = project.get("action")
    parameters = {**job.parameters, **_subject(store, job, action)}
    # A prediction concerns one participant; the original has its TTPs look the node up.
    grids = [] if job.stage is Stage.PREDICT else _grids(store, project["key"], action)
    return job_message(job, cluster, grids, parameters)


def _subject(store: RecordStore, job: Job, action: object) -> dict[str, object]:
    if job.stage in {Stage.CHECK, Stage.PREPROCESS}:
        return {"experiments": [_plain(record) for record in store.find(Kind.EXPERIMENT, job.keys)]}
    subject: dict[str, object] = {
        "keys": restrict(job.keys, Kind.RUN).to_dict(),
        "action": action,
        "experiment": _plain(store.get(Kind.EXPERIMENT, job.keys)),
        "run": _plain(store.get(Kind.RUN, job.keys)),
    }
    if job.stage is Stage.TRAIN:
        return subject
    project = restrict(job.keys, Kind.PROJECT)
    registered = [record["key"]["participant_id"] for record in store.find(Kind.REGISTRATION, project)]
    asked = job.keys.get("participant_id")
    purpose = Purpose.EVALUATE if job.stage is Stage.VALIDATE else Purpose.PREDICT
    subject |= {"participants": registered if asked is None else [asked], "metas": [purpose.value], "version": None}
    if job.stage is Stage.PREDICT:
        subject["tags"] = {project["project_id"]: job.parameters["tags"]}
    return subject


def _grids(store: RecordStore, project: Mapping[str, str], action: object) -> list[list[dict[str, object]]]:
    """For each sub-grid its nodes, one per participant in order of registration."""
    registrations = store.find(Kind.REGISTRATION, project)
    count = min((record["n_count"] for record in registrations), default=0)
    return [[_node(record, index, action) for record in registrations] for index in range(count)]


def _node(registration: Record, index: int, action: object) -> dict[str, object]:
    node = registration[f"node_{index}"]
    chatter = {name: node[name] for name in ("log_msgs", "verbose") if name in node}
    participant = registration["key"]["participant_id"]
    return {
        "keys": registration["key"],
        "action": action,
        "rest": {"host": host_of(node), "port": node.get("f_port", COMMAND_PORT)},
        "syft": {"id": participant, "host": host_of(node), "port": node.get("port", DATA_PORT), **chatter},
    }


def _plain(record: Record) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in _OMITTED}
