"""``python -m synergos.cli``: the ``synergos`` command."""

from synergos.cli import main

main()
