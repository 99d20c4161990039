"""Bundles joined from texts are the bundles one would have written."""

from __future__ import annotations

from hsba.fhir import json
from hsba.http import bundles

HEAD = bundles.head("searchset", [("self", "http://x/fhir/Patient?name=An")], 2, id="b")
TEXTS = [
    '{"resourceType":"Patient","id":"1"}',
    '{"resourceType":"Patient","id":"2","multipleBirthInteger":1}',
]
ENTRIES = [
    bundles.entry(f"http://x/fhir/Patient/{n}", text, bundles.MATCH) for n, text in enumerate(TEXTS, 1)
]


def test_text__is_the_bundle() -> None:
    body = bundles.text(HEAD, ENTRIES)

    assert body is not None
    assert json.parse(body) == {
        "resourceType": "Bundle",
        "id": "b",
        "type": "searchset",
        "total": 2,
        "link": [{"relation": "self", "url": "http://x/fhir/Patient?name=An"}],
        "entry": [
            {
                "fullUrl": f"http://x/fhir/Patient/{n}",
                "resource": json.parse(text.encode()),
                "search": {"mode": "match"},
            }
            for n, text in enumerate(TEXTS, 1)
        ],
    }
    assert body == b"".join(bundles.pieces(HEAD, ENTRIES))
    assert bundles.value(HEAD, ENTRIES) == json.parse(body)


def test_text__without_entries_has_no_empty_list() -> None:
    body = bundles.text(HEAD, [])

    assert body is not None
    assert "entry" not in json.parse(body)


def test_pieces__a_large_bundle_comes_in_parts_that_join_to_json() -> None:
    large = [
        bundles.entry("http://x/fhir/Patient/1", TEXTS[0].replace('"1"', '"' + "1" * 64 + '"'), bundles.MATCH)
    ] * 3000

    parts = list(bundles.pieces(HEAD, large))

    assert bundles.text(HEAD, large) is None
    assert len(parts) > 2
    assert len(json.parse(b"".join(parts))["entry"]) == 3000


def test_entry__of_a_deletion_has_no_resource() -> None:
    assert json.parse(bundles.entry("http://x/fhir/Patient/1", None, ',"a":1').encode()) == {
        "fullUrl": "http://x/fhir/Patient/1",
        "a": 1,
    }
