"""Example data: real tables split over participants, in the dataset folder format the workers read."""

from __future__ import annotations

from synergos_simulator.datasets.bundled import NAMES, Split, write_example
from synergos_simulator.datasets.dataset import Dataset, Holding
from synergos_simulator.datasets.folders import open_dataset

__all__ = ["NAMES", "Dataset", "Holding", "Split", "open_dataset", "write_example"]
