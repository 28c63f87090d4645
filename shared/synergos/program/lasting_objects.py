"""Objects that a program has from its start to its end, at which Python's collector of garbage need not look again and again.

A hundred thousand and more are there when a program is ready: modules, functions, routes, words, templates. Whenever a quarter as many new
ones have outlived two short looks, the collector looks at all there are, and whatever thread had come to it does nothing else meanwhile.
"""

from __future__ import annotations

import gc


def set_apart() -> None:
    """Have the collector look at none of the objects that there are now, as long as the process lives; for a program that is ready.

    Those of them that are not needed any more go as ever, unless they are in a circle; circles that are there already go before.
    """
    gc.collect()
    gc.freeze()
