"""HSBA as an ASGI application with a part of it switched off: what access and audit cost is measured against it.

WITHOUT=trail keeps no line; WITHOUT=trail,policy also lets everybody do everything.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from hsba import app as root
from hsba import config
from hsba.http import app as http
from hsba.http import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class NoTrail:
    """Tells nobody."""

    keeps_nothing = True
    written_by_store = False

    async def add(self, *_: object) -> None:
        """Keep nothing."""


class Everybody(root.App):
    """A house in which roles say nothing."""

    __slots__ = ()

    def policy_for(self, *_: object) -> Any:
        """Everything, to everybody."""
        return self.policy


def asgi() -> Callable[..., Any]:
    """The application, as a server asks for it."""
    settings = config.load()
    without = os.environ["WITHOUT"].split(",")

    @asynccontextmanager
    async def services() -> AsyncIterator[tuple[root.App, http.Options]]:
        async with root.opened(settings, settings.database_url) as house:
            house.trail = NoTrail()
            if "policy" in without:
                house.__class__ = Everybody
            yield house, root.options(settings)

    return http.deferred(services, pages=lambda _: web.ROUTES)
