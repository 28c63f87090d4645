"""Another name for :mod:`synmanager.train_operations`."""

from __future__ import annotations

from synmanager.train_operations import TrainConsumerOperator, TrainProducerOperator

__all__ = ["TrainConsumerOperator", "TrainProducerOperator"]
