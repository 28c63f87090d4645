"""What the shell offers at the tab key: names this user has on this machine, and what an orchestrator answers quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import typer

from synergos import Driver
from synergos.cli.profiles import Profiles, profiles_file
from synergos.errors import SynergosError

PATIENCE = 1.0
"""Seconds that somebody at the tab key waits for an orchestrator."""
MOST = 100
"""Ids that are offered at most, the newest."""


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


def _asked(context: typer.Context, ask: Callable[[Driver], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the orchestrator of the command line so far answers; nothing when it does not, in time."""
    from synergos.cli.connection import driver_for

    try:
        with driver_for(context.params.get("address"), context.params.get("profile"), timeout=PATIENCE) as driver:
            return list(ask(driver)["data"])
    except SynergosError:
        return []


def _offered(found: Iterable[tuple[str, str]], incomplete: str) -> Iterator[tuple[str, str]]:
    return ((name, what) for name, what in found if name.startswith(incomplete))
