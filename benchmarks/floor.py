"""The floor: a bare app on the same server and driver. POST body -> one INSERT; GET -> one SELECT; nothing else.

Everything HSBA does beyond this (validation, search rows, history, hashes, tenant) is what the ratios measure.
"""

from __future__ import annotations

import itertools
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

numbers = itertools.count(int.from_bytes(os.urandom(5)))


async def _keep(connection: object) -> None:
    """No reset, as in HSBA's pool."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One pool, as large as HSBA's."""
    app.state.pool = await asyncpg.create_pool(os.environ["FLOOR_DSN"], min_size=1, max_size=10, reset=_keep)
    yield
    await app.state.pool.close()


async def post(request: Request) -> Response:
    """Keep the body."""
    body = (await request.body()).decode()
    number = next(numbers)
    async with request.app.state.pool.acquire() as connection:
        await connection.execute("INSERT INTO floor (id, body) VALUES ($1, $2)", number, body)
    return Response(
        body, status_code=201, media_type="application/fhir+json", headers={"Location": f"/{number}"}
    )


async def get(request: Request) -> Response:
    """Give the body back."""
    async with request.app.state.pool.acquire() as connection:
        body = await connection.fetchval(
            "SELECT body FROM floor WHERE id = $1", int(request.path_params["id"])
        )
    return Response(body, media_type="application/fhir+json")


app = Starlette(routes=[Route("/", post, methods=["POST"]), Route("/{id}", get)], lifespan=lifespan)
