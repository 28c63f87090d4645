from unit.records.test_outcomes import *  # noqa: F403
