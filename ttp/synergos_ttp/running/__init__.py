"""How jobs come to be run, one after the other: from this program's own queue, or from a cluster's queue."""
