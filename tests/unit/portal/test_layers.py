"""Rows of the editor of layers: what a form says of them, and what its buttons do."""

from __future__ import annotations

import pytest

from synergos_portal.orchestrator.vocabulary import Family
from synergos_portal.pages.experiments.layers import Layer, edited, read

ROWS = [Layer("Linear"), Layer("Conv2d")]


def test_a_row_is_what_all_its_fields_say() -> None:
    sent = [("layers-1-l_type", "Conv2d"), ("layers-0-structure-bias", " true "), ("layers-0-l_type", "Linear")]

    assert read([*sent, ("layers-0-structure-in_features", "4"), ("layers-200-l_type", "Linear")], Family()) == [
        Layer("Linear", values={"bias": "true", "in_features": "4"}),
        Layer("Conv2d"),
    ]


@pytest.mark.parametrize("number", ["2", "-1", "", "\N{SUPERSCRIPT TWO}", "9" * 5000])
def test_a_button_of_a_row_that_is_not_there_does_nothing(number: str) -> None:
    assert edited(ROWS, f"remove-{number}", "Linear") == (ROWS, None)
