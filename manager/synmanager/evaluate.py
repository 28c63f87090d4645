"""Another name for :mod:`synmanager.evaluate_operations`."""

from __future__ import annotations

from synmanager.evaluate_operations import EvaluateConsumerOperator, EvaluateProducerOperator

__all__ = ["EvaluateConsumerOperator", "EvaluateProducerOperator"]
