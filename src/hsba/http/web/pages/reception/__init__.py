"""Reception: people are found, registered and told apart before anything else is written about them."""

from __future__ import annotations

from starlette.routing import Route

from hsba.http.web.page import endpoint
from hsba.http.web.pages.reception import (
    beds,
    completing,
    desk,
    merging,
    opening,
    queue,
    registering,
    temporary,
)

IDENTITY = "/patients/{id}/identity"
MERGE = "/patients/{id}/merge"
VISIT = "/patients/{id}/visits"

ROUTES = (
    Route("/reception", endpoint(desk.desk, room="searching")),
    Route("/reception", endpoint(desk.found, room="searching"), methods=["POST"]),
    Route("/patients/new", endpoint(registering.blank)),
    Route("/patients/new", endpoint(registering.sent, room="writing"), methods=["POST"]),
    Route("/patients/new/_communes", endpoint(registering.communes_of, fragment=True)),
    Route("/patients/new/temporary", endpoint(temporary.blank)),
    Route("/patients/new/temporary", endpoint(temporary.sent, room="writing"), methods=["POST"]),
    Route(IDENTITY, endpoint(completing.filled)),
    Route(IDENTITY, endpoint(completing.sent, room="writing"), methods=["POST"]),
    Route(MERGE, endpoint(merging.compare)),
    Route(MERGE, endpoint(merging.merge, room="writing"), methods=["POST"]),
    Route(MERGE + "/undo", endpoint(merging.part, room="writing"), methods=["POST"]),
    Route(VISIT + "/new", endpoint(opening.blank)),
    Route(VISIT + "/new", endpoint(opening.sent, room="writing"), methods=["POST"]),
    Route(VISIT + "/{encounter}/slip", endpoint(opening.slip)),
    Route("/queue", endpoint(queue.rooms, room="searching")),
    Route("/queue/{room}", endpoint(queue.queue, room="searching")),
    Route("/queue/{room}", endpoint(queue.act, room="writing"), methods=["POST"]),
    Route("/wards", endpoint(beds.wards)),
    Route("/wards/{ward}", endpoint(beds.board, room="searching")),
    Route("/wards/{ward}", endpoint(beds.act, room="writing"), methods=["POST"]),
)
"""The pages of this folder; they stand before `/patients/{id}`."""
