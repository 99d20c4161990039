"""The table of FHIR's interactions, as the specification lists them (FHIR R4 http.html#summary), and its look-up.

A path is turned into its own template ("/Patient/17" is "/{type}/{id}") and that is looked up in a dictionary, so
finding a handler costs about a microsecond however long the table is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hsba.fhir.problems import BadRequest, MethodNotAllowed, NotFound, UnknownType
from hsba.http import fhir, history, metadata, operations, transactions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from hsba.http.messages import Answer

    Handler = Callable[..., Awaitable[Answer]]

Room = Literal["reading", "searching", "writing", "own"]
"""On which connection a handler runs; with "own" it is handed the door and opens what it needs."""

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


class BadId(BadRequest):
    """An id has 1 to 64 letters of A-Z a-z 0-9 - and point (FHIR R4 datatypes.html#id); nothing was saved."""

    code = "value"
    vi = "id gồm 1 đến 64 ký tự A-Z a-z 0-9 - và dấu chấm; chưa lưu gì."


@dataclass(frozen=True, slots=True)
class Route:
    """One interaction: method and address, what answers it, and what the standard calls it."""

    method: str
    path: str
    handler: Handler
    interaction: str
    room: Room
    body: bool = False
    """Whether the request carries content."""


ROUTES: tuple[Route, ...] = (
    # the whole system
    Route("GET", "/metadata", metadata.capabilities, "capabilities", "own"),
    Route("POST", "/", transactions.answer, "transaction", "own", body=True),
    Route("GET", "/", fhir.search_system, "search-system", "searching"),
    Route("POST", "/_search", fhir.search_system, "search-system", "searching", body=True),
    Route("GET", "/_history", history.history_system, "history-system", "searching"),
    Route("GET", "/{operation}", operations.call, "operation", "own"),
    Route("POST", "/{operation}", operations.call, "operation", "own", body=True),
    Route("DELETE", "/{operation}", operations.call, "operation", "own"),
    # a type
    Route("POST", "/{type}", fhir.create, "create", "writing", body=True),
    Route("GET", "/{type}", fhir.search_type, "search-type", "searching"),
    Route("POST", "/{type}/_search", fhir.search_type, "search-type", "searching", body=True),
    Route("PUT", "/{type}", fhir.update_where, "update", "writing", body=True),
    Route("PATCH", "/{type}", fhir.patch_where, "patch", "writing", body=True),
    Route("DELETE", "/{type}", fhir.delete_where, "delete", "writing"),
    Route("GET", "/{type}/_history", history.history_type, "history-type", "searching"),
    Route("GET", "/{type}/{operation}", operations.call, "operation", "own"),
    Route("POST", "/{type}/{operation}", operations.call, "operation", "own", body=True),
    # an instance
    Route("GET", "/{type}/{id}", fhir.read, "read", "reading"),
    Route("PUT", "/{type}/{id}", fhir.update, "update", "writing", body=True),
    Route("PATCH", "/{type}/{id}", fhir.patch, "patch", "writing", body=True),
    Route("DELETE", "/{type}/{id}", fhir.delete, "delete", "writing"),
    Route("GET", "/{type}/{id}/_history", history.history_instance, "history-instance", "searching"),
    Route("GET", "/{type}/{id}/_history/{vid}", fhir.vread, "vread", "reading"),
    Route("GET", "/{type}/{id}/{operation}", operations.call, "operation", "own"),
    Route("POST", "/{type}/{id}/{operation}", operations.call, "operation", "own", body=True),
    Route("GET", "/{type}/{id}/_history/{vid}/{operation}", operations.call, "operation", "own"),
    Route("POST", "/{type}/{id}/_history/{vid}/{operation}", operations.call, "operation", "own", body=True),
    # a compartment
    Route("GET", "/{compartment}/{id}/*", fhir.search_compartment, "search-compartment", "searching"),
    Route("GET", "/{compartment}/{id}/{type}", fhir.search_compartment, "search-compartment", "searching"),
    Route("POST", "/{compartment}/{id}/_search", fhir.search_compartment, "search-compartment", "searching", body=True),
    Route("POST", "/{compartment}/{id}/{type}/_search", fhir.search_compartment, "search-compartment", "searching",
          body=True),
)  # fmt: skip


class Table:
    """The routes, ready to be looked up for the resource types at hand."""

    def __init__(self, routes: Iterable[Route], types: Iterable[str]) -> None:
        """Index the routes by method and template."""
        self.routes = tuple(routes)
        self.types = frozenset(types)
        self._found: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            template = route.path.replace("{compartment}", "{type}")
            self._found.setdefault(template, {})[route.method] = route
        for methods in self._found.values():
            if "GET" in methods:
                methods["HEAD"] = methods["GET"]
        named = dict.fromkeys(self.types, "/{type}")
        search = {"_search": "/_search"}
        history = {"_history": "/_history"}
        # What the words of a path mean depends on their place: an id may well be called "metadata" or "Patient".
        self._words: tuple[dict[str, str], ...] = (
            {**named, **search, **history, "metadata": "/metadata"},
            {**search, **history},
            {**named, **search, **history, "*": "/*"},
            {**search},
            {},
        )
        self._else = ("/{unknown}", "/{id}", "/{unknown}", "/{vid}", "/{unknown}")

    def template(self, segments: tuple[str, ...]) -> str:
        """The path as the table writes it."""
        if len(segments) > len(self._words):
            return "/{unknown}"
        template = ""
        for words, otherwise, segment in zip(self._words, self._else, segments, strict=False):
            word = words.get(segment)
            template += word or ("/{operation}" if segment[:1] == "$" else otherwise)
        return template or "/"

    def find(self, method: str, segments: tuple[str, ...]) -> Route:
        """The interaction asked for; else the problem that says what is wrong with the address or the method."""
        template = self.template(segments)
        methods = self._found.get(template)
        if methods is None:
            raise self._unknown(segments)
        route = methods.get(method)
        if route is None:
            allowed = self.allowed(segments)
            raise MethodNotAllowed(f"It answers to {allowed}.", vi=f"Địa chỉ nhận {allowed}.")
        if "{id}" in template and not ID.match(segments[1]):
            if method == "PUT":
                raise BadId
            raise NotFound(f"{segments[0]}/…: that is no id.", vi=f"{segments[0]}/…: không phải là id.")
        return route

    def allowed(self, segments: tuple[str, ...]) -> str:
        """The methods an address answers to, for OPTIONS and Allow."""
        methods = self._found.get(self.template(segments))
        if methods is None:
            raise self._unknown(segments)
        return ", ".join((*methods, "OPTIONS"))

    def _unknown(self, segments: tuple[str, ...]) -> NotFound:
        """Why an address is not in the table."""
        first = segments[0]
        if first not in self.types and first[:1] not in "$_" and first != "metadata":
            return UnknownType(first[:64])
        return NotFound("The address is not one of FHIR R4.", vi="Địa chỉ không có trong FHIR R4.")
