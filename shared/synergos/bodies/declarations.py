"""What is declared before anything runs: collaborations, projects, experiments, runs, participants and their data.

Keys that are not here are refused, but for those of a run and of a layer: which of them mean something, the family knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from synergos.domain.feature_space import Action
from synergos.domain.grid import COMMAND_PORT, DATA_PORT
from synergos.domain.invitation import InvitationState
from synergos.errors import InvalidRequest
from synergos.schema import Definition

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
# The driver writes port 0 for "there is none".
OptionalPort: TypeAlias = Annotated[int, Meta(ge=0, le=65535)] | None
Number: TypeAlias = int | float
Integer: TypeAlias = int | UnsetType
Real: TypeAlias = Number | UnsetType
Switch: TypeAlias = bool | UnsetType
Name: TypeAlias = str | UnsetType


class Ports(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one service."""

    main: OptionalPort
    ui: OptionalPort = None


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one service of a collaboration is."""

    host: str | None = None
    ports: Ports | UnsetType = UNSET
    secure: bool | None = None


class TrackingConnection(Connection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the MLflow server of a collaboration is, and what is asked of it."""

    register: Annotated[
        bool | None, Meta(description="whether trained models become versions in MLflow's registry; absent for not")
    ] = None


class LoggerPorts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the logger, one for each kind of program."""

    main: OptionalPort
    sysmetrics: OptionalPort
    director: OptionalPort
    ttp: OptionalPort
    worker: OptionalPort
    ui: OptionalPort = None


class Logger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the logger of a collaboration is."""

    host: str | None = None
    ports: LoggerPorts | UnsetType = UNSET
    secure: bool | None = None


class Services(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the services of a collaboration are."""

    catalogue: Connection | None = None
    logs: Logger | None = None
    meter: Connection | None = None
    mlops: TrackingConnection | None = None
    mq: Connection | None = None


class Collaboration(Services, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who works together, and where their services are."""

    collab_id: Id


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the participants' data."""

    action: Action | UnsetType = UNSET
    incentives: Mapping[str, object]
    universe_alignment: Sequence[str] | UnsetType = UNSET
    start_at: Any = None


class Project(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question put to the participants' data."""

    project_id: Id


class Layer(Struct, frozen=True, kw_only=True):
    """Of a network; the family knows which fields must be there."""

    is_input: bool | UnsetType = UNSET
    l_type: Annotated[str, Meta(description="name of a class in torch.nn")] | UnsetType = UNSET
    structure: Annotated[Mapping[str, object], Meta(description="its keyword arguments")] | UnsetType = UNSET
    activation: Annotated[
        str | None, Meta(description="name of a function in torch.nn.functional; empty or null for none")
    ] = None


Layers: TypeAlias = Annotated[
    Sequence[Layer], Meta(min_length=1, description="for the family layers: the network, layer by layer")
]
Family: TypeAlias = Annotated[str | None, Meta(description="of the model; layers when it is absent")]


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model to train, of one family."""

    expt_id: Id
    family: Family = None
    model: Layers


class Reduction(StrEnum):
    """How the losses of a batch become one."""

    NONE = "none"
    MEAN = "mean"
    SUM = "sum"


class OnDivergence(StrEnum):
    """What becomes of a training that diverges: it fails, or ends with the best round before it did."""

    FAIL = "fail"
    STOP = "stop"


class Mode(StrEnum):
    """Of cyclic and of plateau schedules."""

    TRIANGULAR = "triangular"
    TRIANGULAR2 = "triangular2"
    EXP_RANGE = "exp_range"
    MIN = "min"
    MAX = "max"


class ScaleMode(StrEnum):
    """Of cyclic schedules."""

    CYCLE = "cycle"
    ITERATIONS = "iterations"


class Hyperparameters(Struct, frozen=True, kw_only=True):
    """Any argument of the optimizer, the criterion and the scheduler may be given beside these."""

    input_size: Integer = UNSET
    output_size: Integer = UNSET
    rounds: Integer = UNSET
    epochs: Integer = UNSET
    seed: Integer = UNSET
    precision_fractional: Integer = UNSET
    step_size_up: Integer = UNSET
    step_size_down: Integer = UNSET
    last_epoch: Integer = UNSET
    patience: Integer = UNSET
    lr: Real = UNSET
    lr_decay: Real = UNSET
    weight_decay: Real = UNSET
    mu: Real = UNSET
    l1_lambda: Real = UNSET
    l2_lambda: Real = UNSET
    dampening: Real = UNSET
    base_lr: Real = UNSET
    max_lr: Real = UNSET
    gamma: Real = UNSET
    base_momentum: Real = UNSET
    max_momentum: Real = UNSET
    delta: Real = UNSET
    is_condensed: Switch = UNSET
    is_snn: Switch = UNSET
    use_clr: Switch = field(name="use_CLR", default=UNSET)
    cycle_momentum: Switch = UNSET
    cumulative_delta: Switch = UNSET
    algorithm: Name = UNSET
    optimizer: Name = UNSET
    criterion: Name = UNSET
    lr_scheduler: Name = UNSET
    batch_size: Annotated[int | None, Meta(description="null: all rows at once")] = None
    min_participants: Integer = UNSET
    on_divergence: OnDivergence | UnsetType = UNSET
    reduction: Reduction | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    scale_mode: ScaleMode | UnsetType = UNSET


class Run(Hyperparameters, frozen=True, kw_only=True):
    """Any argument of the optimizer, the criterion and the scheduler may be given beside these."""

    run_id: Id


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an organisation says of itself, for people to read."""

    category: Sequence[str] | None = None
    summary: str | None = None
    phone: str | None = None
    email: str | None = None
    socials: Mapping[str, object] | None = None


class Participant(Profile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation."""

    id: Id


class Role(StrEnum):
    """What a participant is in a project."""

    HOST = "host"
    GUEST = "guest"
    ARBITER = "arbiter"


Host: TypeAlias = Annotated[
    str,
    Meta(
        # Letters, digits and what addresses are written with: a host becomes part of a URL. Of IPv6 two colons at least.
        pattern=r"^([A-Za-z0-9_.-]+|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*(%[A-Za-z0-9_.-]+)?\]?)$",
        max_length=255,
        description="a name or an address alone, as worker.example.org or 10.0.0.11: no http:// before it, and no port "
        "behind it, which port and f_port say",
    ),
]


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One worker of a participant: where it listens, or the fingerprint alone of one that joins by itself."""

    host: Host | UnsetType = UNSET
    port: Annotated[Port, Meta(description="where model weights travel")] | UnsetType = UNSET
    f_port: Annotated[Port, Meta(description="the worker's REST port")] | UnsetType = UNSET
    log_msgs: Switch = UNSET
    verbose: Switch = UNSET
    fingerprint: (
        Annotated[
            str,
            Meta(
                pattern="^[0-9a-f]{64}$",
                description="of the worker's identity; of the one that it shows first where that is not said, and no other's from then"
                " on. Without host, port and f_port: of a worker that joins by itself, and listens nowhere",
            ),
        ]
        | UnsetType
    ) = UNSET

    @property
    def place(self) -> tuple[str, int, int]:
        """What stands for its host (see :class:`synergos.domain.grid.Node`), its command port and its data port."""
        if self.host is UNSET:
            return str(self.fingerprint), COMMAND_PORT, DATA_PORT
        return self.host, int(self.f_port or COMMAND_PORT), int(self.port or DATA_PORT)

    def refuse_half(self, at: str) -> None:
        """Refuse one that says only a part of where it is, or one port for both.

        Raises:
            InvalidRequest: names the field that is missing or wrong.
        """
        where = {"host": self.host, "port": self.port, "f_port": self.f_port}
        if self.port is not UNSET and self.port == self.f_port:
            raise InvalidRequest("is f_port too; a worker listens at two ports", f"{at}.port")
        missing = [name for name, value in where.items() if value is UNSET]
        if not missing or (self.fingerprint is not UNSET and len(missing) == len(where)):
            return
        raise InvalidRequest(
            "is required; only a worker that joins by itself is registered without host, port and f_port, with its fingerprint alone",
            f"{at}.{missing[0]}",
        )


class Registration(Struct, frozen=True, kw_only=True):
    """node_0 to node_<n_count - 1> must be there."""

    role: Role
    n_count: Annotated[int, Meta(ge=1)]
    node_0: Node
    others: Mapping[Annotated[str, Meta(pattern=r"^node_(0|[1-9]\d{0,5})$")], Node] = {}

    @property
    def nodes(self) -> frozenset[int]:
        """The numbers of the nodes that are there."""
        return frozenset({0, *(int(name.removeprefix("node_")) for name in self.others)})

    @property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by their fields."""
        return {"node_0": self.node_0, **self.others}


class Invitation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a participant to a project."""

    state: Annotated[
        InvitationState | UnsetType,
        Meta(description="what it becomes: invited by whom the collaboration belongs to, else asked; may be left out"),
    ] = UNSET


TagList: TypeAlias = Sequence[Sequence[str]]


class Tag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of its datasets a participant brings to a project, and what for."""

    train: Annotated[TagList, Meta(description="folders below the data root, as path tokens")]
    evaluate: TagList | UnsetType = UNSET
    predict: TagList | UnsetType = UNSET
    model: Sequence[str] | UnsetType = UNSET
    hyperparameters: Sequence[str] | UnsetType = UNSET


COLLABORATION = Definition(Collaboration)
PROJECT = Definition(Project)
EXPERIMENT = Definition(Experiment)
RUN = Definition(Run)
PARTICIPANT = Definition(Participant)
NODE = Definition(Node)
INVITATION = Definition(Invitation)
REGISTRATION = Definition(Registration, rest="others")
TAG = Definition(Tag)
