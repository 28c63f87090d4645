"""What an orchestrator can be asked, whoever asks and by whatever way: its use cases.

Start at :class:`~synergos.orchestration.orchestrator.Orchestrator`. The REST interface and the tuner are its clients,
beside each other; HTTP is not known here, and every verb takes who asks (:class:`~synergos.orchestration.caller.Caller`).
"""

from __future__ import annotations

from synergos.orchestration.caller import OWNER, Caller
from synergos.orchestration.dispatcher import Dispatcher
from synergos.orchestration.orchestrator import Orchestrator

__all__ = ["OWNER", "Caller", "Dispatcher", "Orchestrator"]
