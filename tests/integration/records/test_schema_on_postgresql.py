from unit.records.test_schema import *  # noqa: F403
