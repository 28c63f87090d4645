from unit.records.test_changes import *  # noqa: F403
