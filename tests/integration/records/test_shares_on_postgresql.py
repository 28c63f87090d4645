from unit.records.test_shares import *  # noqa: F403
