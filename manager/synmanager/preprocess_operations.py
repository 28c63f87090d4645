"""The queue ``preprocess``: the director puts jobs in, TTPs take them out."""

from __future__ import annotations

from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.config import PREPROCESS


class PreprocessProducerOperator(ProducerOperator):
    """Puts messages into the queue ``preprocess``; see :class:`synmanager.base.ProducerOperator`."""

    _home = PREPROCESS


class PreprocessConsumerOperator(ConsumerOperator):
    """Takes messages out of the queue ``preprocess``; see :class:`synmanager.base.ConsumerOperator`."""

    _home = PREPROCESS
