"""What may be said when a stage is asked for; what is left out is true, and what is not here is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, TypeAlias, cast

from msgspec import UNSET, Meta, Struct, UnsetType

from synergos.domain.feature_space import MinimumRows, Unseen
from synergos.domain.job_options import JobOptions
from synergos.domain.search_space import DescribedSpace
from synergos.schema import Definition

Priority: TypeAlias = Annotated[
    int,
    Meta(ge=-100, le=100, description="in a cluster, of a collaboration's jobs those of a higher priority start first"),
]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]


class Agreeing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How participants agree on columns and labels."""

    auto_align: bool = True
    auto_fix: bool = True
    unseen: Annotated[
        Unseen,
        Meta(
            description="what becomes of rows to predict or to measure on with levels that no training row has: such a level "
            "counts as missing, or such a row is refused"
        ),
    ] = Unseen.MISSING
    shared_labels: Annotated[
        bool, Meta(description="refuse participants whose training rows have no label in common with any others'")
    ] = True
    minimum_rows: Annotated[
        MinimumRows | None,
        Meta(
            description="how many rows have to share what is told of them, wherever a participant asks for fewer; nobody tells more "
            "than its owner allows"
        ),
    ] = None


class AlignmentOptions(Agreeing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an alignment is asked with."""

    priority: Priority = 0


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the jobs of the other stages are asked with."""

    auto_align: bool = True
    dockerised: bool = True
    log_msgs: bool = True
    verbose: bool = True
    priority: Priority = 0


class Backend(StrEnum):
    """Whose words a request to tune uses."""

    TUNE = "tune"
    NNI = "nni"


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good hyperparameters are searched for, and what makes them good."""

    metric: Annotated[str, Meta(description="the statistic that is the objective")]
    max_trial_num: Count = 10
    max_concurrent: Annotated[
        Count | None, Meta(description="trials at once; left out: as many as the grid can run")
    ] = None
    trial_concurrency: Annotated[Count | None, Meta(description="as max_concurrent; 1 means nothing")] = None
    max_exec_duration: Annotated[
        str | int | float | None, Meta(description="for how long trials are started: 2h 30m, or seconds")
    ] = "1h"
    base_run: Annotated[str | None, Meta(description="the run whose hyperparameters hold where none are searched")] = (
        None
    )
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    searcher: Annotated[str | None, Meta(description="what draws combinations: TPE, GP, random, grid")] = None
    tuner: Annotated[str | None, Meta(description="as searcher")] = None
    scheduler: Annotated[
        str | None, Meta(description="what prunes trials: median, successive halving, hyperband, none")
    ] = None
    backend: Annotated[
        Backend | UnsetType, Meta(description="whose words the request uses; it makes no difference")
    ] = UNSET
    priority: Priority = 0


class Optimization(Search, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search for good hyperparameters."""

    search_space: Annotated[
        DescribedSpace,
        Meta(max_length=100, description='by hyperparameter: {"_type": "loguniform", "_value": [0.0001, 0.1]}'),
    ]
    optimize_mode: Annotated[str, Meta(description="max or min")]
    # Those of Options: a struct has its fields from one other.
    auto_align: bool = True
    dockerised: bool = True
    log_msgs: bool = True
    verbose: bool = True


class Prediction(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New data, to be predicted by trained models."""

    tags: Annotated[
        Mapping[str, Sequence[Sequence[str]]], Meta(description="by project: the participant's datasets to predict")
    ]


StageBody: TypeAlias = AlignmentOptions | Options | Optimization

ALIGNMENTS = Definition(
    AlignmentOptions,
    "Alignments",
    ignored=dict.fromkeys(
        ("dockerised", "log_msgs", "verbose"), "an option of every other stage; an alignment has nothing to say with it"
    ),
)
MODELS = Definition(Options, "Models")
VALIDATIONS = Definition(Options, "Validations")
OPTIMIZATIONS = Definition(
    Optimization,
    "Optimizations",
    ignored={
        "is_remote": "the original's client always sends it; trials run where the grid's workers are",
        "use_annotation": "the original's client always sends it; it is a switch of NNI",
        "log_msg": "the original's notebooks misspell log_msgs so, and its client passes it on",
    },
)
PREDICTIONS = Definition(Prediction, "Predictions")


def options_of(body: StageBody) -> JobOptions:
    """What the jobs of a request are asked with, as their records say it."""
    kind = AlignmentOptions if isinstance(body, AlignmentOptions) else Options
    return cast(JobOptions, {name: getattr(body, name) for name in kind.__struct_fields__})
