from unit.records.test_catalogues import *  # noqa: F403
