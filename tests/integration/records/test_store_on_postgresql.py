from unit.records.test_store import *  # noqa: F403
