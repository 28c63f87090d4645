"""What the portal is told when it starts, and never by a visitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from synergos.program.program import ProgramSettings
from synergos.tls.files import TlsFiles
from synergos_portal.proxy.tool import Login
from synergos_portal.services import Place, Service


@dataclass(frozen=True)
class Tools:
    """Where the pages of other programs are that the station may show; None where there is none.

    Attributes:
        mlops: MLflow's.
        logs: Graylog's.
        queue_pages: RabbitMQ's.
        logins: what they are asked with by the portal, by the name of the tool; others ask whoever looks.
        authority: who vouches for them, by https; None for whom the system believes.
        may_change: whether the orchestrator's own pages in the station may change something.
    """

    mlops: str | None = None
    logs: str | None = None
    queue_pages: str | None = None
    logins: Mapping[str, Login] = field(default_factory=dict)
    authority: Path | None = None
    may_change: bool = False


@dataclass(frozen=True)
class Settings:
    """Everything the portal is told.

    Attributes:
        listening: the port of each service that this process is.
        places: where a browser is sent to for each service, be it of this process or not.
        orchestrators: the address of each by its name; the first is shown unless another is chosen.
        outputs: the folder of what has to outlive a restart: the key of sessions, and who is signed in.
        tls: whom to believe who is an orchestrator.
    """

    program: ProgramSettings
    listening: Mapping[Service, int]
    places: Mapping[Service, Place]
    orchestrators: Mapping[str, str]
    outputs: Path
    tls: TlsFiles | None = None
    tools: Tools = field(default_factory=Tools)
