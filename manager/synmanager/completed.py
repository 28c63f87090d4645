"""Another name for :mod:`synmanager.completed_operations`."""

from __future__ import annotations

from synmanager.completed_operations import CompletedConsumerOperator, CompletedProducerOperator

__all__ = ["CompletedConsumerOperator", "CompletedProducerOperator"]
