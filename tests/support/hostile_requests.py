"""Requests made up from a service's own documentation: such as it describes, and such as it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

Request = schemathesis.Case[Any]
KINDS = tuple(GenerationMode)


def examples(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """That many examples, the same ones every time."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=number, derandomize=True, database=None, deadline=None, suppress_health_check=checks)


class Documents:
    """The OpenAPI documents of one service.

    Args:
        paths: where they lie.
        known: ids that are there, by the name of the path parameter.
    """

    def __init__(self, app: Flask, paths: tuple[str, ...], known: Mapping[str, str]) -> None:
        self.schemas = [schemathesis.openapi.from_wsgi(path, app) for path in paths]
        self._known = known

    def requests(self) -> st.SearchStrategy[Request]:
        """One request to any route."""
        strategies = [strategy for schema in self.schemas for strategy in self._strategies(schema)]
        return _one_of(lambda: strategies)

    @staticmethod
    def operations(schema: Any) -> list[Any]:
        """What one document describes."""
        return [found.ok() for found in schema.get_all_operations()]

    def _strategies(self, schema: Any) -> Iterator[st.SearchStrategy[Request]]:
        for operation in self.operations(schema):
            names = [parameter.name for parameter in operation.path_parameters]
            known = {name: self._known[name] for name in names if name in self._known}
            for kind in KINDS:
                yield operation.as_strategy(kind, path_parameters=known)
                yield operation.as_strategy(kind)


@st.composite
def _one_of(draw: st.DrawFn, strategies: Callable[[], Sequence[st.SearchStrategy[Request]]]) -> Request:
    # Not st.one_of: the text it makes of itself, wherever something goes wrong, would have a hundred thousand letters.
    choices = strategies()
    return draw(choices[draw(st.integers(0, len(choices) - 1))])


def assert_answered(case: Request, app: Flask) -> int:
    """Send a request; the answer is a JSON object that its documentation describes and no admission of a mistake of ours."""
    # What looks at answers reads them as they are.
    response = case.call(app=app, headers={"Accept-Encoding": "identity"})
    status = int(response.status_code)
    assert status < 500, (
        f"{case.method} {case.formatted_path} {case.body!r} was answered {status}: {response.content!r}"
    )
    assert response.headers["content-type"] == ["application/json"]
    assert response.json()["status"] == status
    case.operation.validate_response(response)
    return status
