"""Of every definition in use: its JSON Schema describes exactly what it reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.schema_values import fitting, near
from synergos import bodies as request_bodies
from synergos.domain.feature_space import FeatureSpace
from synergos.domain.job import JobError
from synergos.domain.job_progress import JOB_PROGRESS
from synergos.domain.messages import JobMessage, OutcomeMessage, OutcomeSender
from synergos.domain.outputs import ALIGNED, MEASURED, PREDICTED, TRAINED, VALIDATED
from synergos.domain.study import TRIAL_MARK, Study, Trial
from synergos.errors import InvalidRequest
from synergos.federation.shape import PROJECT_FILE
from synergos.learning.families.manifest import MANIFEST
from synergos.schema import Definition
from synergos.schema.explanation import explain
from synergos.schema.swagger import Failure, Success
from synergos.tables.schema import COLUMN, WRITTEN_SCHEMA
from synergos.wire import answers
from synergos_worker import bodies

DEFINITIONS: list[Definition[Any]] = [
    Definition(Success),
    Definition(Failure),
    Definition(FeatureSpace),
    Definition(JobError),
    JOB_PROGRESS,
    Definition(JobMessage),
    Definition(OutcomeMessage),
    Definition(OutcomeSender),
    *(getattr(request_bodies, name) for name in request_bodies.__all__),
    answers.ROUND_ANSWER,
    answers.EVALUATION_ANSWER,
    answers.REFUSAL,
    answers.POLLED,
    answers.OPENED,
    answers.PREDICTED,
    ALIGNED,
    TRAINED,
    MEASURED,
    VALIDATED,
    PREDICTED,
    MANIFEST,
    TRIAL_MARK,
    Definition(Trial),
    Definition(Study),
    bodies.POLL,
    bodies.ALIGN,
    bodies.INITIALISE,
    bodies.PREDICT,
    bodies.TERMINATE,
    COLUMN,
    WRITTEN_SCHEMA,
    PROJECT_FILE,
]
NAMES = [definition.name for definition in DEFINITIONS]


def examples(number: int) -> settings:
    """That many examples, the same ones every time."""
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


def refusal(definition: Definition[Any], value: object) -> InvalidRequest | None:
    """Why the definition does not read the value; None when it does."""
    try:
        definition.read(value)
    except InvalidRequest as refused:
        return refused
    return None


@pytest.mark.parametrize("definition", DEFINITIONS, ids=NAMES)
def test_the_type_reads_what_the_json_schema_describes_and_nothing_else(definition: Definition[Any]) -> None:
    outcomes = set()

    @examples(15)
    @given(fitting(definition.json_schema) | near(definition.json_schema))
    def check(value: Any) -> None:
        reason = explain(definition.json_schema, value, quotes=definition.quotes)
        refused = refusal(definition, value)
        # A rule of the definition's own comes after its types are right, and is no part of the JSON Schema.
        is_own_rule = refused is not None and not isinstance(refused.__context__, msgspec.ValidationError)
        assert is_own_rule or str(refused) == str(reason)
        outcomes.add("fits" if refused is None or is_own_rule else "does not fit")

    check()
    assert outcomes == {"fits", "does not fit"}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=NAMES)
def test_what_is_written_is_read_as_the_same(definition: Definition[Any]) -> None:
    @examples(10)
    @given(fitting(definition.json_schema))
    def check(value: Any) -> None:
        if refusal(definition, value) is None:
            read = definition.read(value)
            assert definition.read(definition.write(read)) == read

    check()


def test_a_wild_value_is_refused_by_all() -> None:
    @examples(10)
    @given(st.none() | st.integers() | st.text() | st.lists(st.none()))
    def check(value: Any) -> None:
        for definition in DEFINITIONS:
            with pytest.raises(InvalidRequest):
                definition.read(value)

    check()
