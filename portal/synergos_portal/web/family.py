"""A family of pages: a blueprint, and the service it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint

from synergos_portal.services import Service


@dataclass(frozen=True)
class Family:
    """Pages that belong together; their templates and translations lie in folders of the blueprint's name."""

    service: Service
    blueprint: Blueprint
