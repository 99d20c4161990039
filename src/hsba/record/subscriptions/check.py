"""What may be saved as a Subscription: only what this server will do, so that nobody waits for what never comes.

(FHIR R4 subscription.html)  A client asks for one (`requested`) or stops it (`off`); the other states are the server's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from hsba.fhir.problems import BadRequest, Issue, Problem, Unprocessable
from hsba.fhir.query.dates import interval
from hsba.fhir.query.parse import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context

Resource = dict[str, Any]

XML = "application/fhir+xml"
PAYLOADS = ("application/fhir+json", XML)
SHOWING = frozenset(
    (
        "_sort", "_count", "_include", "_revinclude", "_total", "_summary", "_elements", "_contained",
        "_containedType", "_cursor", "_type", "_format", "_pretty",
    )
)  # fmt: skip
"""Parameters that say how an answer is shown: a subscription has no answer."""
OURS = frozenset(
    (
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
        "keep-alive", "te", "trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection",
    )
)  # fmt: skip
"""Header lines that are the server's to write."""
MOST_HEADERS = 20
LONGEST = 4000
"""Characters of the criteria."""

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ ]*([!-~](?:[ -~]{0,3998}[!-~])?)")


def issues(ctx: Context, resource: Resource) -> tuple[Issue, ...]:
    """What stands against saving this as a Subscription; nothing where it may be saved."""
    if resource.get("status") == "off":
        return ()
    return tuple(_found(ctx, resource))


def _found(ctx: Context, resource: Resource) -> Iterator[Issue]:
    channel = resource.get("channel", {})
    if resource.get("status") != "requested":
        yield _issue(
            "status",
            "Send the status requested (or off): the server itself makes it active or error.",
            "Hãy gửi trạng thái requested (hoặc off); active và error do máy chủ đặt.",
        )
    if channel.get("type") != "rest-hook":
        yield _issue("channel.type", "Only rest-hook is offered.", "Chỉ hỗ trợ rest-hook.", "not-supported")
    if channel.get("payload") not in (None, *PAYLOADS):
        yield _issue(
            "channel.payload",
            f"Leave it out, or send one of {', '.join(PAYLOADS)}.",
            f"Hãy bỏ trống hoặc dùng một trong {', '.join(PAYLOADS)}.",
            "not-supported",
        )
    if (ends := end(ctx, resource)) is not None and ends <= ctx.clock.now():
        yield _issue("end", "The end has passed already.", "Thời điểm kết thúc đã qua.")
    try:
        headers(resource)
    except Problem as problem:
        yield _of(problem, "channel.header")
    try:
        ctx.rules.targets.endpoint(str(channel.get("endpoint", "")))
    except Problem as problem:
        yield _of(problem, "channel.endpoint")
    try:
        criteria(ctx, str(resource.get("criteria", "")))
    except Problem as problem:
        yield _of(problem, "criteria")


def criteria(ctx: Context, text: str) -> tuple[str, Expression]:
    """The type and the condition of a search string, every part of it understood."""
    type_, _, query = text.partition("?")
    if type_ not in ctx.definitions.resource_types:
        raise BadRequest(
            "The criteria begin with a resource type, as in Observation?code=….",
            vi="Điều kiện bắt đầu bằng loại tài nguyên, ví dụ Observation?code=….",
        )
    if len(text) > LONGEST:
        raise BadRequest(
            f"The criteria have more than {LONGEST} characters.", vi=f"Điều kiện dài hơn {LONGEST} ký tự."
        )
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as exc:
        raise BadRequest("The criteria cannot be read.", vi="Không đọc được điều kiện.") from exc
    for name, _ in pairs:
        if name.partition(":")[0] in SHOWING:
            raise BadRequest(
                f"“{name}” says how an answer is shown; it cannot be subscribed to.",
                vi=f"“{name}” chỉ dùng để trình bày kết quả, không dùng được trong đăng ký.",
            )
    bases = (ctx.base,) if ctx.base else ()
    return type_, parse_expression(ctx.definitions, type_, pairs, zone=ctx.tenant.zone, bases=bases)


def headers(resource: Resource) -> list[tuple[str, str]]:
    """The header lines a client wants sent along, name and value; refused where one could be taken for two."""
    lines = resource.get("channel", {}).get("header", [])
    found = []
    for line in lines[: MOST_HEADERS + 1]:
        match = _HEADER.fullmatch(line) if isinstance(line, str) else None
        if match is None:
            raise Unprocessable(
                "A header line is “Name: value” in plain letters, on one line.",
                vi="Mỗi dòng header có dạng “Tên: giá trị”, chữ không dấu, trên một dòng.",
            )
        if match[1].lower() in OURS:
            raise Unprocessable(
                f"The header {match[1]} is written by the server.", vi=f"Header {match[1]} do máy chủ tự ghi."
            )
        found.append((match[1], match[2]))
    if len(found) > MOST_HEADERS:
        raise Unprocessable(
            f"At most {MOST_HEADERS} header lines.", vi=f"Nhiều nhất {MOST_HEADERS} dòng header."
        )
    return found


def end(ctx: Context, resource: Resource) -> datetime | None:
    """When the subscription ends by itself."""
    text = resource.get("end")
    return interval(text, ctx.tenant.zone)[0] if isinstance(text, str) else None


def _issue(path: str, en: str, vi: str, code: str = "business-rule") -> Issue:
    return Issue("error", code, en, vi, f"Subscription.{path}", "SubscriptionRefused")


def _of(problem: Problem, path: str) -> Issue:
    first = problem.issues[0]
    return Issue("error", first.code, first.en, first.vi, f"Subscription.{path}", first.problem)
