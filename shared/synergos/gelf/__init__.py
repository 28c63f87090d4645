"""Log messages on their way to a Graylog server: what they look like, where they wait, and who sends them.

It knows nothing of programs or of federated learning. Nothing here blocks whoever logs: a message is put into a queue in memory,
a thread writes what is in it to a bounded spool on disk and sends from there, and a message leaves the spool when the receiver's
machine has acknowledged it. What a program leaves unsent, its next start sends.
"""

from synergos.gelf.delivery import Delivery, Standing
from synergos.gelf.destination import Destination, Transport
from synergos.gelf.handler import GelfHandler
from synergos.gelf.message import HOST, message
from synergos.gelf.sender import Sender
from synergos.gelf.spool import Spool

__all__ = ["HOST", "Delivery", "Destination", "GelfHandler", "Sender", "Spool", "Standing", "Transport", "message"]
