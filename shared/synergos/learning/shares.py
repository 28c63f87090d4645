"""How much one participant may weigh: what it says of its rows is nobody else's to check, so that no one makes nearly all of a mean."""

from __future__ import annotations

import math
from collections.abc import Collection

LARGEST_SHARE = 0.9
"""Of all rows. Nine times the rows of all others together are taken for what they are, and two participants of which one has a tenth
of the other's rows count as ever. A smaller share would change what honest participants of unlike sizes train."""


def largest_weight(rows: Collection[int], share: float) -> int | None:
    """What the rows of one participant count for at most, so that none has a larger share of what all count for together.

    Where so many participants cannot all keep below it, being too few, they count equally.

    Args:
        rows: of each participant.
        share: above 0 and at most 1.

    Returns:
        A number of rows; None when nobody has more than its share.
    """
    ordered = sorted((count for count in rows if count > 0), reverse=True)
    if not ordered or ordered[0] <= share * sum(ordered):
        return None
    rest = sum(ordered)
    for above, count in enumerate(ordered):
        # So many have more than their share, and count for `most` each; the others for what they have.
        if above:
            left = 1 - above * share
            most = math.floor(share * rest / left) if left > 0 else 0
            if most >= count:
                return most
        rest -= count
    return ordered[-1]
