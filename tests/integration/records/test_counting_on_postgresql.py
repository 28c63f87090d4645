from unit.records.test_counting import *  # noqa: F403
