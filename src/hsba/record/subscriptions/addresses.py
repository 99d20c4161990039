"""Where a hook may point: public addresses by https, and what the hospital allows by name or network.

A subscription makes the server call an address that a client chose.  Unchecked, that opens the hospital's own network to
whoever may save one (server-side request forgery), so what is not known to be harmless is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from hsba.fhir.problems import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_TEXT = re.compile(r"[!-~]{1,2000}")
_NAME = re.compile(r"(?!.{254})[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?")
_USUAL = {"https": 443, "http": 80}
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


class TargetRefused(Unprocessable):
    """A subscription may not point there; nothing was saved or sent."""

    code = "security"
    vi = "Đăng ký nhận tin không được trỏ tới địa chỉ đó; chưa lưu hay gửi gì."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of the web in its parts; `host` is a name in lower case or an IP address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def authority(self) -> str:
        """The host as it stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"

    def at(self, address: Address, below: str = "") -> str:
        """The address with the host as that very IP address, and something below its path."""
        host = f"[{address}]" if address.version == 6 else str(address)
        path = self.path.rstrip("/") + below if below else self.path
        return urlunsplit((self.scheme, f"{host}:{self.port}", path, self.query, ""))


@dataclass(frozen=True, slots=True)
class Targets:
    """What the hospital allows beyond public https addresses: names, networks, and http."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    plain: bool = False

    @classmethod
    def of(cls, allowed: Iterable[str], *, plain: bool = False) -> Targets:
        """Read names, IP addresses and networks as they stand in the setting; raises ValueError for anything else."""
        names: set[str] = set()
        networks: list[Network] = []
        for one in allowed:
            try:
                networks.append(ip_network(one))
            except ValueError:
                if not _NAME.fullmatch(one.lower()) or "/" in one or one.rpartition(".")[2].isdigit():
                    raise
                names.add(one.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks), plain)

    def endpoint(self, url: str) -> Endpoint:
        """The parts of an endpoint, or why it may not be one: all that can be told without asking for its addresses."""
        if not _TEXT.fullmatch(url) or "\\" in url:
            raise _refused("it holds characters that no address may hold", "có ký tự không hợp lệ")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise _refused("it cannot be read", "không đọc được") from exc
        if parts.scheme not in _USUAL or not parts.hostname:
            raise _refused("it is no whole https address", "không phải địa chỉ https đầy đủ")
        if parts.scheme == "http" and not self.plain:
            raise _refused("it is not https", "không dùng https")
        if "@" in parts.netloc:
            raise _refused("it holds a user name", "có tên người dùng")
        if "#" in url:
            raise _refused("it holds a fragment", "có phần #")
        host = parts.hostname.rstrip(".") if ":" not in parts.hostname else parts.hostname
        found = Endpoint(
            parts.scheme, host, _USUAL[parts.scheme] if port is None else port, parts.path or "/", parts.query
        )
        literal = _literal(host)
        if literal is not None:
            self.check(found, [literal])
        elif not _NAME.fullmatch(host) or host.rpartition(".")[2].isdigit() or host.startswith("0x"):
            raise _refused("its host is no name", "tên máy không hợp lệ")
        elif host not in self.names and not self.networks:
            self._check_unlisted_name(found)
        return found

    def _check_unlisted_name(self, endpoint: Endpoint) -> None:
        """A name that nothing in the setting can allow: the usual ports, and not this machine."""
        if endpoint.host == "localhost" or endpoint.host.endswith(".localhost"):
            raise _refused("it is this machine", "là chính máy này")
        self._check_port(endpoint)

    def check(self, endpoint: Endpoint, addresses: Iterable[Address]) -> None:
        """Refuse an endpoint whose host has these addresses, when only one of them is not allowed."""
        for address in addresses:
            if any(address in network for network in self.networks) or (
                endpoint.host in self.names and not _never(address)
            ):
                continue
            if not is_public(address):
                raise _refused(
                    "its host has an address that is not public; name it in the setting subscription_targets",
                    "máy có địa chỉ không công cộng; hãy khai ở thiết lập subscription_targets",
                )
            self._check_port(endpoint)

    def _check_port(self, endpoint: Endpoint) -> None:
        if endpoint.port not in _USUAL.values():
            raise _refused(
                f"port {endpoint.port} is only for hosts in the setting subscription_targets",
                f"cổng {endpoint.port} chỉ dành cho máy khai ở thiết lập subscription_targets",
            )


def _refused(en: str, vi: str) -> TargetRefused:
    return TargetRefused(f"Reason: {en}.", vi=f"Lý do: {vi}.", path="Subscription.channel.endpoint")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _never(address: Address) -> bool:
    """What no name may lead to, only a network in the setting: link-local (cloud metadata), multicast, nowhere."""
    one = _embedded(address) or address
    return one.is_link_local or one.is_multicast or one.is_unspecified


def is_public(address: Address) -> bool:
    """Whether anybody on the internet has this address: global unicast, whatever other address is wrapped in it."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4, or NAT64 under the well-known prefix."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
