"""Hyperparameter tuning, which takes a cluster."""

from __future__ import annotations

from typing import NoReturn

from synergos.errors import NotSupported
from synergos.rest.resource import Resource


class OptimizationResource(Resource):
    """The trials of an experiment; a grid without a queue has none."""

    def __init__(self, api: object, _handler: object) -> None:
        super().__init__(api)

    def get(self, **ids: str) -> NoReturn:
        """List the trials."""
        raise NotSupported("this grid runs one job at a time; hyperparameters are tuned by a cluster")

    def post(self, **ids: str) -> NoReturn:
        """Start trials."""
        self.get(**ids)
