from unit.records.test_leases import *  # noqa: F403
