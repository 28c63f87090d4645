"""The routes below ``/ttp/connect``: who works on what, with which data."""

from __future__ import annotations

from synergos.domain.job import Stage
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.orchestration.orchestrator import Orchestrator
from synergos.rest.alignments import AgreementShare
from synergos.rest.api import Route
from synergos.rest.lists import PARAMETERS, described, key_filters
from synergos.rest.resource import Collection, Declared, Invitation, Listing, Single, SingleDeclared

_COLLABORATION = "/collaborations/<collab_id>"
_PROJECT = f"{_COLLABORATION}/projects/<project_id>"
_EXPERIMENT = f"{_PROJECT}/experiments/<expt_id>"
_PARTICIPANT = "/participants/<participant_id>"
# A registration can be reached from either side.
_REGISTRATION = (
    f"{_PROJECT}{_PARTICIPANT}/registration",
    f"{_PARTICIPANT}{_PROJECT}/registration",
)
_COLLECTIONS = (
    (Kind.COLLABORATION, "/collaborations", "<collab_id>"),
    (Kind.PROJECT, f"{_COLLABORATION}/projects", "<project_id>"),
    (Kind.EXPERIMENT, f"{_PROJECT}/experiments", "<expt_id>"),
    (Kind.RUN, f"{_EXPERIMENT}/runs", "<run_id>"),
    (Kind.PARTICIPANT, "/participants", "<participant_id>"),
)


def routes(orchestrator: Orchestrator) -> list[Route]:
    """The table of routes."""
    declared = {kind: _named(orchestrator, kind) for kind in orchestrator.declarations}
    registrations, tags = declared[Kind.REGISTRATION], declared[Kind.TAG]
    invitations = declared[Kind.INVITATION]
    schemas = {kind: records.schema for kind, records in orchestrator.declarations.items()}
    return [
        *(route for kind, url, own_id in _COLLECTIONS for route in _collection(declared[kind], url, own_id)),
        Route(
            "Invitations",
            Listing,
            invitations,
            (f"{_COLLABORATION}/invitations", f"{_PROJECT}/invitations", f"{_PARTICIPANT}/invitations"),
            "registrations",
            parameters=dict(PARAMETERS),
        ),
        Route(
            "Invitation",
            Invitation,
            invitations,
            (f"{_PROJECT}{_PARTICIPANT}/invitation", f"{_PARTICIPANT}{_PROJECT}/invitation"),
            "registrations",
            schemas[Kind.INVITATION],
        ),
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
            parameters=dict(PARAMETERS),
        ),
        Route(
            "Registration", SingleDeclared, registrations, _REGISTRATION, "registrations", schemas[Kind.REGISTRATION]
        ),
        Route(
            "Agreement",
            AgreementShare,
            orchestrator.stages[Stage.PREPROCESS],
            (f"{_PARTICIPANT}{_PROJECT}/agreement",),
            "participants",
        ),
        Route("Tag", SingleDeclared, tags, tuple(f"{url}/tags" for url in _REGISTRATION), "tags", schemas[Kind.TAG]),
    ]


def _named(orchestrator: Orchestrator, kind: Kind) -> Declared:
    singular = kind.value.lower()
    return Declared(orchestrator.declarations[kind], orchestrator.deletions, singular, f"{singular}s")


def _collection(declared: Declared, url: str, own_id: str) -> list[Route]:
    plural, singular, schema = declared.plural, declared.singular, declared.records.schema
    return [
        Route(plural.capitalize(), Collection, declared, (url,), plural, schema, _parameters(declared, url)),
        Route(singular.capitalize(), Single, declared, (f"{url}/{own_id}",), plural, schema),
    ]


def _parameters(declared: Declared, url: str) -> dict[str, str]:
    kind = declared.records.kind
    return described(key_filters(kind, [name for name in RECORD_TYPES[kind].key_fields if f"<{name}>" in url]))
