from __future__ import annotations

from pathlib import Path

import pytest

from synergos.errors import UnusableData
from synergos.tables.data_file import LARGEST_JSON, DataFile


def written(tmp_path: Path, content: bytes) -> DataFile:
    (tmp_path / "schema.json").write_bytes(content)
    return DataFile("f/schema.json", tmp_path / "schema.json")


def test_json_of_the_largest_size_is_read(tmp_path: Path) -> None:
    assert written(tmp_path, b'{"a": 1}' + b" " * (LARGEST_JSON - 8)).json() == {"a": 1}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"a": 1}' + b" " * (LARGEST_JSON - 7), "has more than 2,097,152 bytes"),
        (b'{"a": %s}' % (b"9" * 400), "a: expected a number that fits into 64 bits"),
        (b'{"a": "\\ud800"}', "a: expected text without NUL and without half a surrogate pair"),
        (b'{"a": "\xff"}', "is not JSON in UTF-8"),
    ],
)
def test_json_that_breaks_something_later_is_refused_by_file_and_place(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    with pytest.raises(UnusableData, match=f"^f/schema.json: {complaint}"):
        written(tmp_path, content).json()
