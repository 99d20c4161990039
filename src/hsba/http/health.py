"""Is the process alive, can it serve, and in figures: /healthz, /readyz, /metrics (no patient data in any of them)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from hsba.store import migrate

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.http.app import Services
    from hsba.http.metrics import Metrics

SECONDS = 5.0
"""A database that does not answer in this time does not serve."""

AHEAD = """
SELECT to_regclass('record.version_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM')) IS NOT NULL
"""


class Health:
    """The three addresses that machines ask."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        """Keep what is asked."""
        self._services = services
        self._metrics = metrics
        pools = {"work": services.pool._work, "search": services.pool._search}  # noqa: SLF001 - the pool has no figures yet
        for name, pool in pools.items():
            metrics.gauge(f"hsba_pool_{name}_open", "Open connections of this process.", pool.get_size)
            metrics.gauge(
                f"hsba_pool_{name}_idle", "Open connections that wait for work.", pool.get_idle_size
            )

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
