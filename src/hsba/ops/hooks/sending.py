"""One request to somebody else's server: resolved, checked and connected to the very address that was checked.

No second look-up can slip another address in between (DNS rebinding), redirects are not followed, the environment's
proxies are not used, and what the other side answers is thrown away.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from hsba.record.subscriptions.addresses import Address, Endpoint, Targets

Taken = TypeVar("Taken")

SECONDS = 10.0
"""How long a request may take from look-up to the last byte of the answer that is read."""
READ = 65536
"""Bytes of an answer that are read and thrown away, so that the connection can be used again."""


class Unreached(Exception):  # for the caller next door only
    """The target did not answer; the text says why, in a few words and without what was sent."""


@cache
def _trust() -> ssl.SSLContext:
    """The certificates this machine trusts: a hospital's own authority is added there."""
    return ssl.create_default_context()


async def resolve(endpoint: Endpoint) -> list[Address]:
    """The addresses of a host, in the order to try them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    return [ip_address(one[4][0]) for one in found]


class Sender:
    """Sends requests to endpoints; connections are kept for as long as it is open."""

    def __init__(self, targets: Targets) -> None:
        """Keep what the hospital allows."""
        self.targets = targets
        self.http = httpx.AsyncClient(
            verify=_trust(),
            trust_env=False,
            follow_redirects=False,
            timeout=SECONDS,
            headers={"User-Agent": "HSBA"},
        )

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self.http.aclose()

    async def send(
        self, method: str, url: str, *, below: str, headers: list[tuple[str, str]], content: bytes
    ) -> int:
        """The status the target answers; raises TargetRefused for where we may not go, Unreached for no answer."""
        return await self._asked(url, self._status, method, below, headers, content)

    async def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> bytes:
        """What an address answers, when that is short and good news; raises as `send` does. With content it is a POST."""
        told = [("Accept", "application/json"), ("Accept-Encoding", "identity"), *(headers or {}).items()]
        return await self._asked(url, self._body, "POST" if content else "GET", "", told, content)

    async def _asked(
        self,
        url: str,
        take: Callable[[httpx.Request], Awaitable[Taken]],
        method: str,
        below: str,
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> Taken:
        """What `take` makes of the answer of a checked address."""
        endpoint = self.targets.endpoint(url)
        try:
            async with asyncio.timeout(SECONDS):
                addresses = await resolve(endpoint)
                self.targets.check(endpoint, addresses)
                return await self._first(endpoint, addresses, take, method, below, headers, content)
        except TimeoutError as exc:
            raise Unreached(f"no answer in {SECONDS:.0f} s") from exc
        except socket.gaierror as exc:
            raise Unreached("its host has no address") from exc
        except (httpx.HTTPError, OSError, UnicodeError) as exc:
            raise Unreached(f"{type(exc).__name__}: {exc}"[:200]) from exc

    async def _first(
        self,
        endpoint: Endpoint,
        addresses: list[Address],
        take: Callable[[httpx.Request], Awaitable[Taken]],
        method: str,
        below: str,
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> Taken:
        """Ask at the first of the checked addresses that takes a connection."""
        failed: httpx.ConnectError | None = None
        for address in addresses:
            request = self.http.build_request(
                method,
                endpoint.at(address, below),
                headers=[("Host", endpoint.authority), *headers],
                content=content,
                extensions={"sni_hostname": endpoint.host},
            )
            try:
                return await take(request)
            except httpx.ConnectError as exc:
                failed = exc
        raise failed or Unreached("its host has no address")

    async def _body(self, request: httpx.Request) -> bytes:
        answer = await self.http.send(request, stream=True)
        try:
            if answer.status_code != 200:
                raise Unreached(f"it answers {answer.status_code}")
            body = b""
            async for part in answer.aiter_raw():  # unpacked, a little could become very much
                body += part
                if len(body) > READ:
                    raise Unreached("its answer is too long")
        finally:
            await answer.aclose()
        return body

    async def _status(self, request: httpx.Request) -> int:
        answer = await self.http.send(request, stream=True)
        try:
            seen = 0
            async for part in answer.aiter_raw():
                seen += len(part)
                if seen > READ:
                    break
        finally:
            await answer.aclose()
        return answer.status_code
