from unit.records.test_removals import *  # noqa: F403
