"""What others say, as log lines bear it: whoever asks may say anything, and as much as a request holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synergos.domain.tags import Purpose, Tag

_LONGEST = 500
_FOLDERS = 20


def shortened(text: str) -> str:
    """A text, or its beginning."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def folders(tags: Mapping[Purpose, Sequence[Tag]] | Mapping[str, Sequence[Tag]]) -> dict[str, list[str]]:
    """Tags as folders below the data folder, by purpose; the first of very many."""
    found = {str(purpose): [shortened("/".join(tag)) for tag in some[:_FOLDERS]] for purpose, some in tags.items()}
    more = {str(purpose): len(some) - _FOLDERS for purpose, some in tags.items() if len(some) > _FOLDERS}
    return {
        purpose: [*some, *([f"{more[purpose]} more"] if purpose in more else [])] for purpose, some in found.items()
    }
