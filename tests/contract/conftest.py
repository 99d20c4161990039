"""The server behind its real door, with accounts and its own audit trail, as the acceptance tests have it."""

from __future__ import annotations

from acceptance.audit.conftest import owner, services
from acceptance.conftest import ward

__all__ = ["owner", "services", "ward"]
