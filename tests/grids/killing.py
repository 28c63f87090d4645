"""Runs one of the programs with places in it where it can be made to send itself a signal: to be killed, or to freeze.

    python killing.py FOLDER MODULE [flags of the program]

A place is armed by a file in FOLDER that is named after it and says how many times it is passed before the signal, and the
signal's number. The file is gone when the process is, and so are those of the same name in the folders beside it, of programs
that might have come by: one of them is hit.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synergos.programs import loading

PLACES = {
    "synergos_ttp": {
        "aligning": "synergos_ttp.stages.preprocessing:feature_space",
        "initialising": "synergos_ttp.workers.commands:WorkerCommands.open_session",
        "between PUT and answer": "synergos_ttp.workers.data_plane:DataPlane._parcel",
        "aggregating": "synergos_ttp.stages.rounds:Rounds._answers",
        "committing": "synergos_ttp.stages.round_store:RoundStore._write",
        "exporting": "synergos_ttp.stages.training:write_run",
        "swapping the exported folder in": "synergos.learning.exports:_swap",
        "archiving": "synergos_ttp.running.local_dispatch:archive",
        "measuring": "synergos_ttp.workers.commands:WorkerCommands.measure",
        "taken up": "synergos_ttp.running.job_loop:JobLoop._work",
        "sending the outcome": "synergos_ttp.running.cluster_queue:TtpQueue.complete",
        "outcome sent": "synergos.records.leases:Leases.deliver",
        "about to acknowledge": "synmanager.delivery:Delivery.acknowledge",
    },
    "synergos_director": {
        "accepted": "synergos_director.dispatch:QueueDispatcher.submit",
        "announcing": "synergos_director.cluster_queue:DirectorQueue.publish",
        "archiving": "synergos_director.outcome_consumer:settle",
        "archived": "synmanager.delivery:Delivery.acknowledge",
    },
    "synergos_worker": {
        "preparing": "synergos_worker.preparation:Preparations._outcome",
        "confirming": "synergos_worker.project_commands:fitting",
        "opening a session": "synergos_worker.session_opener:SessionOpener.open",
        "training": "synergos_worker.model:SessionModel.train",
        "answering": "synergos_worker.model:SessionModel.trained",
        "evaluating": "synergos_worker.model:SessionModel.evaluate",
        "inferring": "synergos_worker.model:SessionModel.infer",
        "writing predictions": "synergos_worker.prediction_files:PredictionFiles.write",
    },
}


def arm(place: Path, passes: int, number: int) -> None:
    """Write down what is to happen at a place; whoever reads it meanwhile sees all of it or nothing."""
    written = place.with_name(f".{place.name}.written")
    written.write_text(f"{passes} {number}")
    written.replace(place)


def read(place: Path) -> tuple[int, int]:
    """How many passes are left at a place, -1 where it is not armed, and the signal's number."""
    try:
        passes, number = place.read_text().split()
    except FileNotFoundError:
        return -1, 0
    return int(passes), int(number)


def make_deadly(place: str, where: str, folder: Path) -> None:
    """Wrap the function at ``where`` so that the program gets its signal when the place is armed."""
    module_name, _, path = where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original: Callable[..., Any] = getattr(owner, name)
    armed = folder / place
    # Several threads may pass a place at once, and each of them counts.
    counting = threading.Lock()

    @functools.wraps(original)
    def deadly(*arguments: Any, **options: Any) -> Any:
        with counting:
            passes, number = read(armed)
            if passes > 0:
                arm(armed, passes - 1, number)
            if passes == 0:
                for each in folder.parent.glob(f"*/{place}"):
                    # Another program may be at the same place in this moment.
                    each.unlink(missing_ok=True)
                # The whole program: its server's parent process, and this very thread. Of a group that is stopped as a
                # whole, this thread might go on for a moment.
                os.kill(os.getppid(), number)
                signal.pthread_kill(threading.get_ident(), number)
        return original(*arguments, **options)

    setattr(owner, name, deadly)


def main() -> None:
    folder, program, *flags = sys.argv[1:]
    with loading():
        for place, where in PLACES[program].items():
            make_deadly(place, where, Path(folder))
        main = importlib.import_module(f"{program}.__main__").main
    main(flags)


if __name__ == "__main__":
    main()
