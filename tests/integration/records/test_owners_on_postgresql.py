from unit.records.test_owners import *  # noqa: F403
