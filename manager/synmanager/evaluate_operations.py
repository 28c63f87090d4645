"""The queue ``evaluate``: the director puts jobs in, TTPs take them out."""

from __future__ import annotations

from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.config import EVALUATE


class EvaluateProducerOperator(ProducerOperator):
    """Puts messages into the queue ``evaluate``; see :class:`synmanager.base.ProducerOperator`."""

    _home = EVALUATE


class EvaluateConsumerOperator(ConsumerOperator):
    """Takes messages out of the queue ``evaluate``; see :class:`synmanager.base.ConsumerOperator`."""

    _home = EVALUATE
