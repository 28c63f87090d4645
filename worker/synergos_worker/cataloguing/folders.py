"""The folders below a data root that can be datasets: those with a ``metadata.json``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from synergos.domain.tags import Tag, check_tag
from synergos.errors import InvalidRequest
from synergos.tables.metadata import METADATA
from synergos_worker.left_over_files import is_left_over

MOST_LOOKED_AT = 200_000
"""Names of files and folders, after which no more folders are looked for."""
_DEEPEST = 32


class Folders:
    """One look for them, by path.

    Attributes:
        is_whole: whether all were looked at, when the look has ended.
    """

    def __init__(self, root: Path, most: int = MOST_LOOKED_AT) -> None:
        self.is_whole = True
        self._root = root
        self._left = most

    def __iter__(self) -> Iterator[Tag]:
        """The tags that name them."""
        return self._below(())

    def _below(self, tokens: tuple[str, ...]) -> Iterator[Tag]:
        inner, is_dataset = self._look(self._root.joinpath(*tokens))
        if is_dataset and tokens and _can_be_tag(tokens):
            yield tokens
        for name in inner:
            if len(tokens) < _DEEPEST and self.is_whole:
                yield from self._below((*tokens, name))

    def _look(self, folder: Path) -> tuple[list[str], bool]:
        """The folders in a folder, by name, and whether it has metadata. Links are not followed: they could go in circles."""
        inner, is_dataset = list[str](), False
        with suppress(OSError), os.scandir(folder) as found:
            for entry in found:
                self._left -= 1
                if self._left < 0:
                    self.is_whole = False
                    break
                if entry.name == METADATA:
                    is_dataset = True
                elif not is_left_over(entry.name) and entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
        return sorted(inner), is_dataset


def _can_be_tag(tokens: tuple[str, ...]) -> bool:
    """Whether a tag can name it: not where a name is no Unicode, or would lead elsewhere."""
    try:
        check_tag(tokens, "tag")
        "/".join(tokens).encode()
    except (InvalidRequest, UnicodeEncodeError):
        return False
    return True
