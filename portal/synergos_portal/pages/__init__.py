"""All pages, family by family: one line for each blueprint. A family's templates lie in a folder of its name, unless they are one alone."""

from __future__ import annotations

from synergos_portal.pages import (
    catalogue,
    collaborations,
    experiments,
    home,
    invitations,
    jobs,
    launch,
    lineage,
    manual,
    participants,
    projects,
    runs,
    search,
    sign_in,
    station,
    status,
)
from synergos_portal.services import Service
from synergos_portal.web.links import Family

FAMILIES = (
    Family(Service.NAV, home.pages),
    Family(Service.NAV, home.old_pages),
    Family(Service.VIEW, home.old_view_pages),
    Family(Service.NAV, search.pages),
    Family(Service.NAV, manual.pages),
    Family(Service.NAV, sign_in.pages),
    Family(Service.NAV, status.pages),
    Family(Service.VIEW, collaborations.pages),
    Family(Service.VIEW, projects.pages),
    Family(Service.VIEW, experiments.pages),
    Family(Service.VIEW, runs.pages),
    Family(Service.VIEW, participants.pages),
    Family(Service.VIEW, invitations.pages),
    Family(Service.VIEW, jobs.pages),
    Family(Service.VIEW, catalogue.pages),
    Family(Service.VIEW, lineage.pages),
    Family(Service.VIEW, launch.pages),
    Family(Service.VIEW, launch.studies),
    Family(Service.TRACK, station.pages),
)
