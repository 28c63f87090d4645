"""What goes on at an orchestrator when somebody here stops waiting for it."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_NAMED = 3


@dataclass(frozen=True)
class GoingOn:
    """What has not ended.

    Attributes:
        jobs: their ids.
        study: its id, where that is what goes on.
    """

    jobs: tuple[str, ...] = ()
    study: str | None = None

    def __str__(self) -> str:
        if self.study is None and not self.jobs:
            return "nothing goes on"
        return f"{f'study {self.study}' if self.study else ', '.join(self.jobs)}; {self.how_to_go_on()}"

    def how_to_go_on(self) -> str:
        """The calls that wait for it again, and that stop it."""
        if self.study is not None:
            calls = "driver.optimizations.wait({0!r}) waits for it, driver.optimizations.stop({0!r}) stops it"
            return calls.format(self.study)
        one = self.jobs[0] if len(self.jobs) == 1 else list(self.jobs[:_MOST_NAMED])
        more = f" (and {len(self.jobs) - _MOST_NAMED} more)" if len(self.jobs) > _MOST_NAMED else ""
        them, each = ("it", "it") if len(self.jobs) == 1 else ("them", "one")
        waits = f"driver.jobs.wait({one!r}) waits for {them}{more}"
        return f"{waits}, driver.jobs.cancel({self.jobs[0]!r}) stops {each}"
