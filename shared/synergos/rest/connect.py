"""The routes below ``/ttp/connect``: who works on what, with which data."""

from __future__ import annotations

from synergos.rest.api import Route
from synergos.rest.collaborations import Collaborations
from synergos.rest.declarations import Declarations
from synergos.rest.experiments import Experiments
from synergos.rest.participants import Participants
from synergos.rest.projects import Projects
from synergos.rest.registrations import Registrations
from synergos.rest.resource import Collection, Listing, Single, SingleDeclared
from synergos.rest.runs import Runs
from synergos.rest.services import Services
from synergos.rest.tags import Tags

_COLLABORATION = "/collaborations/<collab_id>"
_PROJECT = f"{_COLLABORATION}/projects/<project_id>"
_EXPERIMENT = f"{_PROJECT}/experiments/<expt_id>"
_PARTICIPANT = "/participants/<participant_id>"
# A registration can be reached from either side.
_REGISTRATION = (
    f"{_PROJECT}{_PARTICIPANT}/registration",
    f"{_PARTICIPANT}{_PROJECT}/registration",
)


def routes(services: Services) -> list[Route]:
    """The table of routes."""
    registrations, tags = Registrations(services), Tags(services)
    return [
        *_collection(Collaborations(services), "/collaborations", "<collab_id>"),
        *_collection(Projects(services), f"{_COLLABORATION}/projects", "<project_id>"),
        *_collection(Experiments(services), f"{_PROJECT}/experiments", "<expt_id>"),
        *_collection(Runs(services), f"{_EXPERIMENT}/runs", "<run_id>"),
        *_collection(Participants(services), "/participants", "<participant_id>"),
        Route(
            "Registrations",
            Listing,
            registrations,
            (
                f"{_COLLABORATION}/registrations",
                f"{_COLLABORATION}{_PARTICIPANT}/registrations",
                f"{_PROJECT}/registrations",
                f"{_PARTICIPANT}/registrations",
                f"{_PARTICIPANT}{_COLLABORATION}/registrations",
            ),
            "registrations",
        ),
        Route("Registration", SingleDeclared, registrations, _REGISTRATION, "registrations", registrations.schema),
        Route("Tag", SingleDeclared, tags, tuple(f"{url}/tags" for url in _REGISTRATION), "tags", tags.schema),
    ]


def _collection(records: Declarations, url: str, own_id: str) -> list[Route]:
    plural, singular = records.plural.capitalize(), records.singular.capitalize()
    return [
        Route(plural, Collection, records, (url,), records.plural, records.schema),
        Route(singular, Single, records, (f"{url}/{own_id}",), records.plural, records.schema),
    ]
