"""The TerminologyCapabilities: which code lists are at hand, in which version, and what may be asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.store.pool import Connection

Raw = dict[str, Any]

LISTED = """
SELECT s.uri, l.version, array(SELECT DISTINCT v.version FROM reference.list_version v WHERE v.system = l.system
  AND v.tenant = 0 AND v.version <> l.version ORDER BY 1) AS before
FROM reference.code_list l JOIN reference.system s ON s.id = l.system
WHERE l.tenant = 0 AND l.supplements IS NULL ORDER BY s.uri
"""
EXPANSION = (
    "activeOnly", "check-system-version", "count", "date", "displayLanguage", "exclude-system", "excludeNested", "filter",
    "force-system-version", "includeDesignations", "offset", "system-version", "url", "valueSet",
)  # fmt: skip


async def statement(tx: Connection, *, base: str, today: str, version: str) -> Raw:
    """What this server knows of terminology (FHIR R4 terminologycapabilities.html)."""
    systems: list[Raw] = []
    for uri, known, before in await tx.fetch(LISTED):
        one: Raw = {"uri": uri, "subsumption": True}
        if known:
            one["version"] = [{"code": known, "isDefault": True}, *({"code": each} for each in before)]
        systems.append(one)
    return {
        "resourceType": "TerminologyCapabilities",
        "name": "HSBA",
        "title": "HSBA – danh mục mã",
        "status": "active",
        "date": today,
        "kind": "instance",
        "software": {"name": "HSBA", "version": version},
        "implementation": {"description": "HSBA", "url": base},
        "codeSystem": systems,
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in EXPANSION],
            "textFilter": "Words without accents in any order, abbreviations and synonyms, the beginning of a code.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }
