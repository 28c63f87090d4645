"""The two ends of a queue, and what they have in common."""

from __future__ import annotations

from synmanager.base_operator import BaseOperator
from synmanager.consumer import ConsumerOperator
from synmanager.producer import ProducerOperator

__all__ = ["BaseOperator", "ConsumerOperator", "ProducerOperator"]
