from __future__ import annotations

import pytest

from synergos.domain.tags import check_tags
from synergos.errors import InvalidRequest


def test_tags_are_lists_of_folder_names() -> None:
    assert check_tags([["a"], ["a", "b"]], "tags.train") == (("a",), ("a", "b"))


def test_a_tag_given_twice_is_refused_by_position() -> None:
    with pytest.raises(InvalidRequest, match=r"is the same as tags\.train\[0\]: its rows would come twice") as caught:
        check_tags([["a", "b"], ["a"], ["a", "b"]], "tags.train")

    assert caught.value.field == "tags.train[2]"
