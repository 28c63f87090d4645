"""Programs as services of a host without containers: units of systemd, settings, log rotation; given out by ``synergos service``."""

from __future__ import annotations

from synergos.services.service_files import Program, Written, files_of, write

__all__ = ["Program", "Written", "files_of", "write"]
