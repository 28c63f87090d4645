"""What every operator can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class AbstractOperator(ABC):
    """One end of a queue."""

    @abstractmethod
    def connect(self) -> None:
        """Open the connection to the broker."""

    @abstractmethod
    def process(self, **kwargs: Any) -> Any:
        """Do what this end is for."""

    @abstractmethod
    def delete(self) -> int:
        """Remove what lies in the queue."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the connection."""
