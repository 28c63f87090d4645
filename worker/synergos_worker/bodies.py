"""Bodies of the command port: what each holds, and what it asks for in our own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta as Limits
from msgspec import Struct, field

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.feature_space import Action, FeatureSpace, MinimumRows
from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose, declared_tags
from synergos.errors import InvalidRequest
from synergos.learning import families
from synergos.schema import Definition
from synergos_worker.session_opener import Alignments, SessionRequest
from synergos_worker.tables import Tags
from synergos_worker.trials import Search

LONGEST_WAIT = 60.0

TagsByPurpose = Annotated[
    Mapping[Purpose, Sequence[Sequence[str]]],
    Limits(description="for each purpose, the dataset folders as lists of path tokens below the data folder"),
]
SomePurposes = Annotated[Sequence[Purpose], Limits(min_length=1, extra_json_schema={"uniqueItems": True})]
AlignmentsByPurpose = Annotated[
    Alignments, Limits(description="for each purpose, the positions of the columns that its data lacks")
]
AgreedSpace = Annotated[FeatureSpace, Limits(description="what all participants agreed on at alignment")]
SessionId = Annotated[str, Limits(pattern="^[0-9a-f]{32}$", description="32 hex digits, chosen by the TTP")]
Architecture = Annotated[list[dict[str, Any]], Limits(min_length=1, description="the model's parts")]


class Poll(Struct, frozen=True, kw_only=True):
    """Whose columns and labels are asked for."""

    action: Annotated[Action, Limits(description="what the project's models do")]
    tags: TagsByPurpose
    minimum_rows: Annotated[
        MinimumRows | None,
        Limits(description="how many rows have to share what is told of them, where the owner's limit is lower"),
    ] = None

    def __post_init__(self) -> None:
        if not self.declared:
            raise InvalidRequest("expected at least one tag", "tags")

    @property
    def declared(self) -> Tags:
        """The tags, by purpose; purposes without tags are left out.

        Raises:
            InvalidRequest: one is no list of plain folder names.
        """
        return declared_tags(self.tags)


AgreedDigests = Annotated[
    Mapping[Purpose, tuple[str, ...]],
    Limits(description="for each purpose, the digests of its datasets at alignment; others are refused"),
]


class Align(Poll, frozen=True, kw_only=True):
    """What the data is to fit."""

    alignments: AlignmentsByPurpose
    digests: AgreedDigests = {}
    feature_space: AgreedSpace
    agreement: Annotated[
        Mapping[str, Any] | None, Limits(description="this participant's part in what was agreed, to be kept as a file")
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_action(self.action, self.feature_space)


class Initialise(Poll, frozen=True, kw_only=True):
    """What a session is opened with."""

    id: Annotated[str, Limits(description="the participant's id")]
    session_id: SessionId
    owner: Annotated[
        Annotated[str, Limits(pattern="^[0-9a-f]{32}$")] | None,
        Limits(
            description="32 hex digits that are the same, and a secret, for all sessions of one job at this participant"
        ),
    ] = None
    alignments: AlignmentsByPurpose = {}
    digests: AgreedDigests = {}
    feature_space: AgreedSpace
    family: Annotated[str | None, Limits(description="of the model; layers when it is absent")] = None
    architecture: Architecture
    hyperparameters: Annotated[Mapping[str, Any], Limits(description="of the run")]
    purposes: SomePurposes = field(name="metas")
    participants: (
        Annotated[int, Limits(ge=1, le=2**53, description="how many participants' updates a round takes, at least")]
        | None
    ) = None
    search: Annotated[
        Search | None,
        Limits(
            description="whose trial the run is; an owner who approves of what is computed approves of all its trials with it"
        ),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_action(self.action, self.feature_space)
        _check_purposes(self.purposes)

    def session(
        self, run: RunKey, asker: Asker = NOBODY, peer: str | None = None, director: str = ""
    ) -> SessionRequest:
        """The session it asks for.

        Args:
            asker: who asks for it, as it says.
            peer: the fingerprint of who asks, as it has proved; None where it has not.
            director: that of whom it belongs to, likewise; empty where it has not proved that.

        Raises:
            InvalidRequest: names the field and what was expected.
        """
        return SessionRequest(
            session_id=self.session_id,
            run=run,
            participant_id=check_identifier(self.id, "id"),
            tags=self.declared,
            alignments=self.alignments,
            digests=self.digests,
            recipe=families.recipe(self.family, self.architecture, self.hyperparameters, self.feature_space),
            purposes=tuple(self.purposes),
            participants=self.participants,
            asker=asker,
            owner=self.owner,
            peer=peer,
            director=director,
        )


class Predict(Struct, frozen=True, kw_only=True):
    """Whose rows a model is measured on."""

    session_id: SessionId
    purposes: SomePurposes = field(name="metas")
    wait: Annotated[float, Limits(ge=0, le=LONGEST_WAIT, description="seconds to wait for the result")] = 0.0

    def __post_init__(self) -> None:
        _check_purposes(self.purposes)


class Terminate(Struct, frozen=True, kw_only=True):
    """Which session of a run ends."""

    session_id: SessionId


class Remove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which results go of what was deleted; what this worker does not know would have meant fewer.

    Attributes:
        purposes: those whose results go; everything without it.
    """

    age: Annotated[float, Limits(ge=0, description="seconds since when files have to be as they are")] = 0.0
    purposes: SomePurposes | None = field(name="metas", default=None)

    def __post_init__(self) -> None:
        _check_purposes(self.purposes or ())


class Cataloguing(Struct, frozen=True, kw_only=True):
    """What is published; there is nothing to be said."""


class Fingerprints(Struct, frozen=True, kw_only=True):
    """Of which datasets it is asked whether they are what they were."""

    tags: TagsByPurpose

    @property
    def declared(self) -> Tags:
        """See :attr:`Poll.declared`."""
        return declared_tags(self.tags)


class Consenting(Struct, frozen=True, kw_only=True):
    """What a worker is to sign: that it takes part as it is registered."""

    participant: Annotated[str, Limits(max_length=128, description="whose node it is registered as")]
    nonce: Annotated[
        str, Limits(pattern="^[0-9a-f]{64}$", description="of the registration; another one when that changes")
    ]


CONSENT = Definition(Consenting)
CATALOGUE = Definition(Cataloguing)
FINGERPRINTS = Definition(Fingerprints)
POLL = Definition(Poll)
ALIGN = Definition(Align)
INITIALISE = Definition(Initialise)
PREDICT = Definition(Predict)
TERMINATE = Definition(Terminate)
REMOVE = Definition(Remove)


def _check_action(action: Action, space: FeatureSpace) -> None:
    if space.action != action:
        raise InvalidRequest(f"expected {action}, got {space.action}", "feature_space.action")


def _check_purposes(purposes: Sequence[Purpose]) -> None:
    if len(set(purposes)) < len(purposes):
        raise InvalidRequest("expected no purpose twice", "metas")
