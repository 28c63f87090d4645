"""What the simulator adds to the ``synergos`` command: ``grid``, ``simulate``, and where the local grid is."""
