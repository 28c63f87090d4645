"""Launching: what is aligned, trained and validated, looked at before it is begun, and followed while it runs."""

from __future__ import annotations

# Imported for the pages that they have.
from synergos_portal.pages.launch import compare, downloads, launchpad, tune
from synergos_portal.pages.launch.launchpad import pages
from synergos_portal.pages.launch.studies import pages as studies

__all__ = ["compare", "downloads", "launchpad", "pages", "studies", "tune"]
