"""Is the process alive, can it serve, and in figures: /healthz, /readyz, /metrics (no patient data in any of them)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from hsba.store import migrate

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.http.app import Services
    from hsba.http.metrics import Metrics

SECONDS = 5.0
"""A database that does not answer in this time does not serve."""

POOL = {
    "open": "Open connections of this process.",
    "idle": "Open connections that wait for work.",
    "waiting": "Requests that wait for a connection.",
}
"""The figures of each part of the pool (store/pool.py)."""

AHEAD = """
SELECT to_regclass('record.version_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM')) IS NOT NULL
"""


class Health:
    """The three addresses that machines ask."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        """Keep what is asked."""
        self._services = services
        self._metrics = metrics
        for part in services.pool.figures():
            for name, text in POOL.items():
                metrics.gauge(f"hsba_pool_{part}_{name}", text, partial(self._pool, part, name))

    def _pool(self, part: str, name: str) -> float:
        found: int = getattr(self._services.pool.figures()[part], name)
        return found

    async def alive(self, _: Request) -> Response:
        """GET /healthz: the process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """GET /readyz: the database is there, migrated, and has room for next month's versions."""
        checks = await self._checks()
        status = 200 if all(value == "ok" for value in checks.values()) else 503
        return JSONResponse(checks, status_code=status, headers={"Cache-Control": "no-store"})

    async def _checks(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(SECONDS), self._services.pool.bare() as tx:
                pending = await migrate.pending(tx)
                ahead = await tx.fetchval(AHEAD)
        except Exception as exc:  # noqa: BLE001 - whatever it is, this process cannot serve
            return {"database": type(exc).__name__}
        return {
            "database": "ok",
            "schema": f"{len(pending)} migrations pending" if pending else "ok",
            "partitions": "ok" if ahead else "none for next month",
        }

    async def metrics(self, _: Request) -> Response:
        """GET /metrics: the figures of this worker, for Prometheus."""
        media, page = self._metrics.page()
        return Response(page, media_type=media)
