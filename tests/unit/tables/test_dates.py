from __future__ import annotations

import pytest

from synergos.tables.dates import days


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("1970-01-02", None, 1.0),
        ("1969-12-31", None, -1.0),
        ("2024-02-29T12:00:00", None, 19782.5),
        ("2024-02-29T14:00:00+02:00", None, 19782.5),
        ("29.02.2024", "%d.%m.%Y", 19782.0),
        ("29.02.2023", "%d.%m.%Y", None),
        ("29.02.2024", None, None),
        ("yesterday", None, None),
    ],
)
def test_a_date_is_a_number_of_days(text: str, written: str | None, expected: float | None) -> None:
    assert days(text, written) == expected
