"""What the shell offers at the tab key: names this user has on this machine, and what an orchestrator answers quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import typer

from synergos import Driver
from synergos.cli.profiles import Profiles, profiles_file
from synergos.errors import SynergosError

PATIENCE = 1.0
"""Seconds that somebody at the tab key waits for an orchestrator."""
MOST = 100
"""Ids that are offered at most, the newest."""


_LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "collab_id": ("collaborations", ()),
    "project_id": ("projects", ("collab_id",)),
    "expt_id": ("experiments", ("collab_id", "project_id")),
    "run_id": ("runs", ("collab_id", "project_id", "expt_id")),
    "participant_id": ("participants", ()),
}
"""Which of the driver's lists have an id, and the ids these take."""


def complete_profile(incomplete: str) -> list[str]:
    """Names of profiles; none when the file cannot be read, which the command itself will say."""
    try:
        names = Profiles.load(profiles_file()).named
    except SynergosError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_job(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of the newest jobs, with what each is."""
    found = _asked(context, lambda driver: driver.jobs.read_all(order="newest", limit=MOST, fields=["stage", "state"]))
    return list(_offered(((job["id"], f"{job['stage']} {job['state']}") for job in found), incomplete))


def complete_study(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of the newest studies, with how each stands."""
    found = _asked(context, lambda driver: driver.optimizations.studies(order="newest", limit=MOST, fields=["state"]))
    return list(_offered(((study["id"], str(study["state"])) for study in found), incomplete))


def completing_ids(names: Sequence[str]) -> Callable[[typer.Context, str], list[str]]:
    """What completes the ids that a command takes one after the other: those there are below the ones before."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        before, slash, last = incomplete.rpartition("/")
        given = [part for word in (*(context.params.get("ids") or ()), before) for part in word.split("/") if part]
        if len(given) >= len(names):
            return []
        name, above = names[len(given)], dict(zip(names, given, strict=False))
        found = _asked(context, lambda driver: _listed(driver, name, above))
        offered = dict.fromkeys(str(record["key"][name]) for record in found if name in record["key"])
        return [f"{before}{slash}{each}" for each in offered if each.startswith(last)]

    return complete


def _listed(driver: Driver, name: str, above: Mapping[str, str]) -> Mapping[str, Any]:
    """The newest records that have an id, below the ids before it."""
    task, kept = _LISTS[name]
    within = {each: above[each] for each in kept if each in above}
    return cast(
        "Mapping[str, Any]", getattr(driver, task).read_all(**within, order="newest", limit=MOST, fields=["doc_id"])
    )


def _asked(context: typer.Context, ask: Callable[[Driver], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the orchestrator of the command line so far answers; nothing when it does not, in time."""
    from synergos.cli.connection import driver_for

    try:
        named = [context.params.get(name) for name in ("address", "profile", "tls_ca")]
        with driver_for(*named, timeout=PATIENCE) as driver:
            return list(ask(driver)["data"])
    except SynergosError:
        return []


def _offered(found: Iterable[tuple[str, str]], incomplete: str) -> Iterator[tuple[str, str]]:
    return ((name, what) for name, what in found if name.startswith(incomplete))
