from unit.records.test_jobs import *  # noqa: F403
