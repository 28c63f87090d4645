"""How a program's server is a process: gunicorn starts it and sends it signals; connections and threads are ours.

gunicorn's own threads read requests from their beginning, so that whoever sends half of one, or nothing, has a thread for as
long as they like. Here the main thread receives connections (:mod:`synergos.program.reception`), and threads are handed those by
which a request is there (:mod:`synergos.program.answering`).
"""

from __future__ import annotations

import os
import resource
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn.workers.base import Worker

if TYPE_CHECKING:
    from synergos.program.reception import Reception

_LOOK = 0.25
"""Seconds after which a program that ends looks whether everybody is answered."""
_OTHER_FILES = 512
_MOST_FILES = 2**16


class ServerProcess(Worker):  # type: ignore[misc]
    """A gunicorn worker that tells the service first when it is asked to stop."""

    alive: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._reception: Reception | None = None

    def run(self) -> None:
        """Serve until the program is asked to end, and then until what is asked is answered."""
        # What speaks HTTP is loaded by this process, and not by the one that watches over it, which keeps what it has for ever.
        from synergos.program.answering import Answering
        from synergos.program.by_heart import ByHeart
        from synergos.program.dialling import Dialling
        from synergos.program.lasting_objects import set_apart
        from synergos.program.reception import Reception

        settings = self.app.settings
        context = None if settings.tls is None else settings.tls.server
        limits = settings.connections_within(_files())
        service = self.app.service
        by_heart = service.by_heart if isinstance(service, ByHeart) else None
        reception = Reception(settings, limits, context, lambda *found: answering.hand_on(*found), self.log, by_heart)
        answering = Answering(settings, self.cfg, self.wsgi, lambda: not self.alive, reception.give_back, self.log)
        self._reception = reception
        for listener in self.sockets:
            reception.listen(listener)
        if isinstance(service, Dialling):
            service.dial(reception.adopt)
        # All is loaded by now that every program needs.
        set_apart()
        # gunicorn takes no worker for hung (``timeout``), and need not be told each turn that this one is not.
        while self.alive and self.ppid == os.getppid():
            reception.turn()
        answering.leave()
        reception.leave(self.sockets)
        until = time.monotonic() + self.cfg.graceful_timeout
        while len(reception) and time.monotonic() < until:
            reception.turn(_LOOK)
        answering.close()
        reception.close()

    def handle_exit(self, sig: int, frame: object) -> None:
        """Tell the service first that the program is asked to end."""
        service = self.app.service
        if self.alive:
            if service is not None:
                # Not in the signal handler itself: stopping takes locks that the interrupted code may hold.
                threading.Thread(target=service.stop, name="stop").start()
            self.alive = False
            if self._reception is not None:
                self._reception.wake()

    def handle_quit(self, sig: int, frame: object) -> None:
        """The same: requests in flight are answered."""
        self.handle_exit(sig, frame)


def _files() -> int:
    """How many connections there may be by what the system lets this process open, which is made as much as it may be."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    if least != resource.RLIM_INFINITY and least < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return max(1, max(least, wanted) - _OTHER_FILES)
