"""Forms on the screen: the sheets of a stay are listed, begun, written part by part, read and corrected."""

from __future__ import annotations

from starlette.routing import Route

from hsba.http.web.page import endpoint
from hsba.http.web.pages.sheets import compare, covers, drafts, read, room, stay, write

STAY = "/patients/{id}/encounters/{encounter}/sheets"
SHEET = STAY + "/{slug}/{sheet}"
PART = SHEET + "/{part}"
ENTRY = PART + "/{entry:uuid}"

ROUTES = (
    Route(STAY, endpoint(stay.sheets)),
    Route(STAY, endpoint(stay.start, room="writing"), methods=["POST"]),
    Route(SHEET, endpoint(read.read)),
    Route(SHEET + "/_cover", endpoint(covers.change, room="writing"), methods=["POST"]),
    Route(SHEET + "/_stop", endpoint(covers.stop, room="writing"), methods=["POST"]),
    *(
        route
        for at in (PART, ENTRY)
        for route in (
            Route(
                at + "/_draft",
                endpoint(drafts.draft, room="writing", fragment=True, longest=room.LONGEST),
                methods=["POST"],
            ),
            Route(at + "/compare", endpoint(compare.compare)),
            Route(at + "/_hold", endpoint(drafts.hold, room="writing", fragment=True), methods=["POST"]),
            Route(at, endpoint(write.write, room="writing")),
            Route(at, endpoint(write.sent, room="writing", longest=room.LONGEST), methods=["POST"]),
        )
    ),
)
"""The pages of this folder."""
