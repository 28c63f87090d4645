"""Another name for :mod:`synmanager.preprocess_operations`."""

from __future__ import annotations

from synmanager.preprocess_operations import PreprocessConsumerOperator, PreprocessProducerOperator

__all__ = ["PreprocessConsumerOperator", "PreprocessProducerOperator"]
