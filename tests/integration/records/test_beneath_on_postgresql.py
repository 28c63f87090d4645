from unit.records.test_beneath import *  # noqa: F403
