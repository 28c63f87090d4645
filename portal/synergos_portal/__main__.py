"""synergos-portal: web pages on which a federated cycle is run, watched and understood."""

from __future__ import annotations

if __name__ == "__main__":
    # Before what may not be installed is imported, by this module's own name then.
    from synergos.programs import portal

    portal()
    raise SystemExit

from collections.abc import Sequence

import structlog

from synergos.program.flags import usable_folder
from synergos.program.program import ProgramSettings, read_flags, run
from synergos.program.server import Service
from synergos_portal.settings import Settings, listening_of, orchestrators_of, parser, places_of, tls_of, tools_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the portal until SIGTERM."""
    flags = parser()
    given = read_flags(flags, arguments)
    listening = listening_of(flags, given)
    settings = Settings(
        program=ProgramSettings.of(given),
        listening=listening,
        places=places_of(flags, given, listening),
        orchestrators=orchestrators_of(flags, given),
        outputs=usable_folder(flags, "--outputs", given.outputs),
        tls=tls_of(given),
        tools=tools_of(flags, given),
    )
    structlog.get_logger(__name__).info(
        "starting", services=[str(each) for each in listening], orchestrators=list(settings.orchestrators)
    )
    _, *others = listening.values()
    run(lambda: _portal(settings), settings.program, dict.fromkeys(others, "--port"), computes=False)


def _portal(settings: Settings) -> Service:
    """The pages: what they need is loaded by the process that serves them, and not by the one that watches over it."""
    from synergos_portal.program import Portal

    return Portal(settings)
