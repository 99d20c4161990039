"""FHIR packages, SNOMED CT and LOINC releases: small files of our own in their layout, loaded, asked, and undone."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hsba.record.calls import Call
from hsba.terminology import closure, concepts, expand, files, loads, lookup, matches, translate
from hsba.terminology.loads import BadFile, LaterLoad
from hsba.terminology.sources.archive import Bomb
from hsba.terminology.sources.mapping import BadMapping

if TYPE_CHECKING:
    from pathlib import Path

    from house import House
    from hsba.terminology.loads import Done

TODAY = date(2026, 11, 23)
OURS = "http://example.org/CodeSystem/colours"
SCT = "http://snomed.info/sct"


async def loaded(house: House, path: Path, told: str = "", **more: Any) -> Done:
    async with house.reading() as ctx:
        of = files.recognised(path, told)
        more = {"today": TODAY, **more}
        return await files.load(ctx.tx, house.app.definitions, path, of, account="thử", **more)


async def state(house: House) -> dict[str, set[tuple[Any, ...]]]:
    """Everything that loads write, but the account of the loads."""
    tables = ("code_list", "concept", "list_version", "concept_map", "map_element", "definition", "concept_ancestor",
              "value_set_member")  # fmt: skip
    async with house.reading() as ctx:
        return {
            name: {tuple(row) for row in await ctx.tx.fetch(f"SELECT t::text FROM reference.{name} t")}
            for name in tables
        }


def package(
    folder: Path, *resources: dict[str, Any], name: str = "colours.tgz", inside: str = "package"
) -> Path:
    path = folder / name
    with tarfile.open(path, "w:gz") as archive:
        for number, one in enumerate([{"name": "colours", "version": "1"}, *resources]):
            file = (
                f"{inside}/{one.get('resourceType', 'package')}-{number}.json"
                if number
                else "package/package.json"
            )
            body = json.dumps(one).encode()
            info = tarfile.TarInfo(file)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def colours(version: str, *concepts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem", "url": OURS, "version": version, "title": "Colours", "status": "active",
        "content": "complete", "concept": list(concepts), **more,
    }  # fmt: skip


RED: dict[str, Any] = {"code": "red", "display": "Red", "concept": [{"code": "pink", "display": "Pink"}]}
BLUE = {"code": "blue", "display": "Blue"}
WARM: dict[str, Any] = {
    "resourceType": "ValueSet", "url": "http://example.org/ValueSet/warm", "id": "warm", "status": "active",
    "compose": {"include": [{"system": OURS, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}]},
}  # fmt: skip
MAP: dict[str, Any] = {
    "resourceType": "ConceptMap", "url": "http://example.org/ConceptMap/c", "status": "active", "group": [
        {"source": OURS, "target": OURS, "element": [
            {"code": "red", "target": [{"code": "pink", "equivalence": "equivalent"}]}]}],
}  # fmt: skip
VIETNAMESE: dict[str, Any] = {
    "resourceType": "CodeSystem", "url": "http://example.org/CodeSystem/colours-vi", "status": "active",
    "content": "supplement", "supplements": OURS,
    "concept": [{"code": "red", "designation": [{"language": "vi", "value": "Đỏ"}]}],
}  # fmt: skip


def call(name: str, type: str, **told: str) -> Call:
    return Call.of(
        name, type=type, pairs=tuple((key.replace("_", "-"), value) for key, value in told.items())
    )


def codes(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["expansion"].get("contains", ())]


def value(found: dict[str, Any], name: str) -> Any:
    return next(
        (
            each
            for one in found["parameter"]
            if one["name"] == name
            for key, each in one.items()
            if key.startswith("value")
        ),
        None,
    )


# --- FHIR packages -----------------------------------------------------------------------------------------


async def test_load__a_package_brings_lists_value_sets_maps_and_supplements_and_undo_takes_all_away(
    house: House, tmp_path: Path
) -> None:
    before = await state(house)
    path = package(tmp_path, colours("1", RED, BLUE), WARM, MAP, VIETNAMESE)

    done = await loaded(house, path)

    async with house.reading() as ctx:
        warm = await expand.expand(ctx, call("expand", "ValueSet", url=WARM["url"], displayLanguage="vi"))
        red = await lookup.lookup(
            ctx, call("lookup", "CodeSystem", system=OURS, code="red", displayLanguage="vi")
        )
        mapped = await translate.translate(
            ctx, call("translate", "ConceptMap", url=MAP["url"], system=OURS, code="red")
        )
    assert (len(done.lists), done.maps, done.resources) == (2, 1, 1)
    assert codes(warm) == ["red", "pink"]
    assert warm["expansion"]["contains"][0]["display"] == value(red, "display") == "Đỏ"
    assert value(mapped, "result") is True

    async with house.reading() as ctx:
        await loads.undo(ctx.tx, house.app.definitions, system=OURS)
    assert await state(house) == before


async def test_load__two_versions_stand_side_by_side_and_each_answers(house: House, tmp_path: Path) -> None:
    await loaded(house, package(tmp_path, colours("1", RED, BLUE)), today=date(2026, 1, 1))
    first = await state(house)
    scarlet = {**RED, "display": "Scarlet"}
    done = await loaded(
        house, package(tmp_path, colours("2", scarlet, {"code": "green", "display": "Green"}))
    )

    assert done.lists[0].begins == TODAY
    async with house.reading() as ctx:

        async def shown(system: str, code: str) -> str | None:
            of = await concepts.system(ctx, system)
            assert of is not None
            found = await concepts.find(ctx, of, code, TODAY)
            return found.display if found else None

        async def everything(url: str, **more: str) -> list[str]:
            return codes(await expand.expand(ctx, call("expand", "ValueSet", url=url, **more)))

        assert [await shown(f"{OURS}|1", one) for one in ("red", "blue", "green")] == ["Red", "Blue", None]
        assert [await shown(f"{OURS}|2", one) for one in ("red", "blue", "green")] == [
            "Scarlet",
            None,
            "Green",
        ]
        assert [await shown(OURS, one) for one in ("red", "blue", "green")] == ["Scarlet", "Blue", "Green"]
        assert sorted(await everything(f"{OURS}|1?fhir_vs")) == ["blue", "pink", "red"]
        assert sorted(await everything(f"{OURS}?fhir_vs", system_version=f"{OURS}|1")) == [
            "blue",
            "pink",
            "red",
        ]
        assert sorted(await everything(f"{OURS}|2?fhir_vs")) == ["green", "pink", "red"]
        old = await lookup.validate_code(
            ctx, call("validate-code", "CodeSystem", url=OURS, version="1", code="blue")
        )
        new = await lookup.validate_code(
            ctx, call("validate-code", "CodeSystem", url=OURS, version="2", code="blue")
        )
        none = await lookup.validate_code(
            ctx, call("validate-code", "CodeSystem", url=OURS, version="9", code="blue")
        )
    assert (value(old, "result"), value(old, "inactive"), value(new, "result")) == (True, None, False)
    assert value(none, "result") is False
    assert "at hand: 1, 2" in value(none, "message")

    async with house.reading() as ctx:
        await loads.undo(ctx.tx, house.app.definitions, system=OURS)
    assert await state(house) == first


async def test_undo__what_a_later_load_stands_on_is_refused(house: House, tmp_path: Path) -> None:
    one = await loaded(house, package(tmp_path, colours("1", RED)), today=date(2026, 1, 1))
    await loaded(house, package(tmp_path, colours("2", RED, BLUE)))

    async with house.reading() as ctx:
        with pytest.raises(LaterLoad):
            await loads.undo(ctx.tx, house.app.definitions, number=one.load)


@pytest.mark.parametrize("name", ["../../etc/x.json", "/etc/x.json", "package/../../x.json", "C:/x.json"])
async def test_load__a_package_whose_names_lead_out_of_it_is_refused(
    house: House, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "evil.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())

    with pytest.raises(Bomb):
        await loaded(house, path)


async def test_load__links_bombs_and_broken_resources_of_a_package_are_refused(
    house: House, tmp_path: Path
) -> None:
    before = await state(house)
    link, bomb = tmp_path / "link.tgz", tmp_path / "bomb.tgz"
    with tarfile.open(link, "w:gz") as archive:
        info = tarfile.TarInfo("package/x.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with tarfile.open(bomb, "w:gz") as archive:
        for number in range(3):
            info = tarfile.TarInfo(f"package/other/{number}.json")
            info.size = 30 * 2**20
            archive.addfile(info, io.BytesIO(b" " * info.size))
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(package(tmp_path, colours("1", RED)).read_bytes()[:200])

    for path, kind in ((link, Bomb), (bomb, Bomb), (broken, BadFile)):
        with pytest.raises(kind):
            await loaded(house, path)
    with pytest.raises(BadFile, match="no whole CodeSystem"):
        await loaded(
            house, package(tmp_path, colours("1", RED), {"resourceType": "CodeSystem", "content": "complete"})
        )
    with pytest.raises(BadFile, match="there twice"):
        await loaded(house, package(tmp_path, colours("1", RED, RED)))
    assert await state(house) == before


async def test_load__a_list_of_one_keeper_is_seen_by_no_other(house: House, tmp_path: Path) -> None:
    path = tmp_path / "colours.json"
    path.write_text(json.dumps(colours("1", RED)), encoding="utf-8")
    async with house.reading() as ctx:
        mine = ctx.tenant.id

    await loaded(house, path, tenant=mine)

    async with house.reading() as ctx:
        warm = await expand.expand(ctx, call("expand", "ValueSet", url=f"{OURS}?fhir_vs=isa/red"))
        below = await lookup.subsumes(
            ctx, call("subsumes", "CodeSystem", system=OURS, codeA="red", codeB="pink")
        )
        elsewhere = await ctx.tx.fetchval(
            "SELECT count(*) FROM reference.code_list l JOIN reference.system s ON s.id = l.system"
            " WHERE s.uri = $1 AND l.tenant <> $2",
            OURS,
            mine,
        )
    assert codes(warm) == ["red", "pink"]
    assert value(below, "outcome") == "subsumes"
    assert elsewhere == 0


# --- SNOMED CT ---------------------------------------------------------------------------------------------

CONCEPT = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId"
DESCRIPTION = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"
RELATIONSHIP = (
    "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId"
    "\tcharacteristicTypeId\tmodifierId"
)
MEMBER = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tvalue"
MODULE, FSN, SYNONYM, PREFERRED, IS_A = (
    "900000000000207008", "900000000000003001", "900000000000013009", "900000000000548007", "116680003",
)  # fmt: skip


def release(folder: Path, kind: str, concept_lines: list[str], *, zipped: bool = True) -> Path:
    """Four concepts: a top, two below it, and one below both; the second was made inactive in 2024."""

    def lines(head: str, *some: str) -> str:
        return "\r\n".join([head, *(one.replace(" | ", "\t") for one in some)]) + "\r\n"

    terms = {
        "1001": ("100", "en", FSN, "Disease (disorder)"), "1002": ("100", "en", SYNONYM, "Disease"),
        "1003": ("100", "vi", SYNONYM, "Bệnh"), "1101": ("110", "en", SYNONYM, 'Old "quoted" pain'),
        "1102": ("110", "en", SYNONYM, "Pain"), "1201": ("120", "en", SYNONYM, "Infection \\ sepsis"),
        "1301": ("130", "en", SYNONYM, "Painful infection"),
    }  # fmt: skip
    made = {
        f"sct2_Concept_{kind}_INT_20260101.txt": lines(CONCEPT, *concept_lines),
        f"sct2_Description_{kind}-en_INT_20260101.txt": lines(
            DESCRIPTION, *(f"{id} | 20200101 | 1 | {MODULE} | {c} | {lang} | {type} | {term} | 1"
                           for id, (c, lang, type, term) in terms.items() if lang == "en")),
        f"sct2_Description_{kind}-vi_VN_20260101.txt": lines(
            DESCRIPTION, *(f"{id} | 20200101 | 1 | {MODULE} | {c} | {lang} | {type} | {term} | 1"
                           for id, (c, lang, type, term) in terms.items() if lang == "vi")),
        f"sct2_Relationship_{kind}_INT_20260101.txt": lines(
            RELATIONSHIP, *(f"{n} | 20200101 | 1 | {MODULE} | {s} | {d} | 0 | {IS_A} | 1 | 1"
                            for n, (s, d) in enumerate((("110", "100"), ("120", "100"), ("130", "110"), ("130", "120"))))),
        f"der2_cRefset_Language{kind}-en_INT_20260101.txt": lines(
            MEMBER, *(f"u{id} | 20200101 | 1 | {MODULE} | 900000000000509007 | {id} | {PREFERRED}"
                      for id in ("1002", "1003", "1102", "1201", "1301"))),
    }  # fmt: skip
    if zipped:
        path = folder / "SnomedCT_Test.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in made.items():
                archive.writestr(f"SnomedCT_Test/{kind}/Terminology/{name}", text)
        return path
    path = folder / "SnomedCT_Test"
    path.mkdir()
    for name, text in made.items():
        (path / name).write_bytes(text.encode())
    return path


SNAPSHOT = [
    f"100 | 20200101 | 1 | {MODULE} | 1", f"110 | 20240131 | 0 | {MODULE} | 1", f"120 | 20200101 | 1 | {MODULE} | 1",
    f"130 | 20200101 | 1 | {MODULE} | 1",
]  # fmt: skip
FULL = [
    f"100 | 20200101 | 1 | {MODULE} | 1", f"110 | 20200101 | 1 | {MODULE} | 1", f"110 | 20240131 | 0 | {MODULE} | 1",
    f"120 | 20200101 | 1 | {MODULE} | 1", f"120 | 20210131 | 0 | {MODULE} | 1", f"120 | 20230131 | 1 | {MODULE} | 1",
    f"130 | 20210101 | 1 | {MODULE} | 1",
]  # fmt: skip


async def test_load__a_snapshot_of_snomed_ct(house: House, tmp_path: Path) -> None:
    before = await state(house)

    done = await loaded(house, release(tmp_path, "Snapshot", SNAPSHOT))

    assert (done.lists[0].added.total, done.lists[0].title) == (4, "SNOMED CT")
    async with house.reading() as ctx:
        of = await concepts.system(ctx, f"{SCT}|{SCT}/{MODULE}/version/20260101")
        assert of is not None
        found = {code: await concepts.find(ctx, of, code, TODAY) for code in ("100", "110", "120", "130")}
        top, pain, sepsis, both = found["100"], found["110"], found["120"], found["130"]
        assert top is not None
        assert pain is not None
        assert sepsis is not None
        assert both is not None
        assert (top.display, top.shown("en", of.language)) == ("Bệnh", "Disease")
        assert [one["value"] for one in top.designations] == ["Disease", "Disease (disorder)"]
        assert (pain.display, pain.until, pain.in_force(TODAY)) == ("Pain", date(2024, 1, 30), False)
        assert pain.designations[0]["value"] == 'Old "quoted" pain'
        assert (sepsis.display, {both.parent, *both.also}) == ("Infection \\ sepsis", {"110", "120"})
        below = await expand.expand(ctx, call("expand", "ValueSet", url=f"{SCT}?fhir_vs=isa/120"))
        typed = await expand.expand(
            ctx, call("expand", "ValueSet", url=f"{SCT}?fhir_vs", filter="benh", count="5")
        )
        outcome = await lookup.subsumes(
            ctx, call("subsumes", "CodeSystem", system=SCT, codeA="130", codeB="100")
        )
    assert codes(below) == ["120", "130"]
    assert codes(typed) == ["100"]
    assert value(outcome, "outcome") == "subsumed-by"

    async with house.reading() as ctx:
        await loads.undo(ctx.tx, house.app.definitions, system=SCT)
    assert await state(house) == before


async def test_load__a_full_release_of_snomed_ct_tells_the_days_of_each_concept(
    house: House, tmp_path: Path
) -> None:
    await loaded(house, release(tmp_path, "Full", FULL, zipped=False))

    async with house.reading() as ctx:
        rows = await ctx.tx.fetch(
            "SELECT c.code, c.valid_from, c.valid_to FROM reference.concept c JOIN reference.system s ON s.id = c.system"
            " WHERE s.uri = $1 ORDER BY 1, 2",
            SCT,
        )
    assert [tuple(row) for row in rows] == [
        ("100", date(2020, 1, 1), date.max),
        ("110", date(2020, 1, 1), date(2024, 1, 30)),
        ("120", date(2020, 1, 1), date(2021, 1, 30)),
        ("120", date(2023, 1, 31), date.max),
        ("130", date(2021, 1, 1), date.max),
    ]


async def test_load__a_long_list_is_climbed_for_matches_and_closures_too(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsba.terminology.load.LARGEST", 3)
    await loaded(house, release(tmp_path, "Snapshot", SNAPSHOT))
    below = [{"name": "code", "valueCode": "is-a"}, {"name": "value", "valueString": "100"}]
    asked = {"resourceType": "Parameters", "parameter": [{"name": "property", "part": below}]}
    table = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "t"}]}
    added = [{"name": "concept", "valueCoding": {"system": SCT, "code": code}} for code in ("100", "130")]
    more = {**table, "parameter": [*table["parameter"], *added]}

    async with house.reading() as ctx:
        asked["parameter"].append({"name": "system", "valueUri": SCT})  # type: ignore[attr-defined]
        found = await matches.find_matches(ctx, Call.of("find-matches", type="CodeSystem", body=asked))
        await closure.closure(ctx, Call.of("closure", type="ConceptMap", body=table))
        lines = await closure.closure(ctx, Call.of("closure", type="ConceptMap", body=more))

    some = [part["valueCoding"]["code"] for one in found["parameter"] for part in one["part"]]
    assert sorted(some) == ["100", "120", "130"]  # 110 is not in force
    (element,) = lines["group"][0]["element"]
    assert (element["code"], element["target"][0]["code"]) == ("130", "100")


async def test_load__a_broken_line_of_a_release_is_refused_with_its_number(
    house: House, tmp_path: Path
) -> None:
    before = await state(house)

    with pytest.raises(BadFile, match="line 3"):
        await loaded(house, release(tmp_path, "Snapshot", [SNAPSHOT[0], "x | y"]))

    assert await state(house) == before


async def test_load__a_long_list_is_climbed_where_its_tree_is_not_spelt_out(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsba.terminology.load.LARGEST", 3)
    await loaded(house, release(tmp_path, "Snapshot", SNAPSHOT))

    async with house.reading() as ctx:
        assert (await concepts.system(ctx, SCT)).closed is False  # type: ignore[union-attr]
        below = await expand.expand(ctx, call("expand", "ValueSet", url=f"{SCT}?fhir_vs=isa/100"))
        above = await lookup.subsumes(
            ctx, call("subsumes", "CodeSystem", system=SCT, codeA="100", codeB="130")
        )
    assert codes(below) == ["100", "110", "120", "130"]
    assert value(above, "outcome") == "subsumes"


# --- LOINC -------------------------------------------------------------------------------------------------

LOINC = (
    '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS","STATUS","SHORTNAME",'
    '"LONG_COMMON_NAME"\n'
    '"718-7","Hemoglobin","MCnc","Pt","Bld","Qn","","HEM/BC","ACTIVE","Hgb Bld-mCnc","Hemoglobin [Mass/volume] in Blood"\n'
    '"1-8","Old","MCnc","Pt","Bld","Qn","","HEM/BC","DEPRECATED","Old","Old test"\n'
)


def distribution(folder: Path, table: str = LOINC) -> Path:
    path = folder / "Loinc_2.80"
    for name, text in {
        "LoincTable/Loinc.csv": table,
        "LoincTable/MapTo.csv": "LOINC,MAP_TO,COMMENT\n1-8,718-7,\n",
        "AccessoryFiles/LinguisticVariants/viVN99LinguisticVariant.csv": (
            "LOINC_NUM,COMPONENT,LONG_COMMON_NAME\n718-7,Huyết sắc tố,Huyết sắc tố trong máu\n"
        ),
        "AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv": (
            "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP1-1,Laboratory\nLP1-1,1,LP1-1,718-7,Hemoglobin\n"
        ),
    }.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


async def test_load__a_loinc_distribution_with_vietnamese_names(house: House, tmp_path: Path) -> None:
    done = await loaded(house, distribution(tmp_path))

    assert done.lists[0].added.total == 3
    async with house.reading() as ctx:
        found = await lookup.lookup(
            ctx, call("lookup", "CodeSystem", system="http://loinc.org", version="2.80", code="718-7")
        )
        old = await lookup.lookup(ctx, call("lookup", "CodeSystem", system="http://loinc.org", code="1-8"))
        below = await expand.expand(ctx, call("expand", "ValueSet", url="http://loinc.org?fhir_vs=isa/LP1-1"))
    assert (value(found, "version"), value(found, "display")) == ("2.80", "Huyết sắc tố trong máu")
    assert "Hemoglobin [Mass/volume] in Blood" in json.dumps(found)
    assert '"superseded-by"' in json.dumps(old)
    assert codes(below) == ["LP1-1", "718-7"]


async def test_load__a_broken_row_of_loinc_is_refused_with_its_place(house: House, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="row 3, column “LOINC_NUM” is 'x'"):
        await loaded(house, distribution(tmp_path, LOINC.replace('"1-8"', '"x"')))


# --- tables that begin a new version -----------------------------------------------------------------------


async def test_load__a_new_version_of_a_table_keeps_old_names_for_old_days_and_undo_is_exact(
    house: House, tmp_path: Path
) -> None:
    def told(version: str, more: str = "") -> str:
        text = (
            'system = "http://example.org/t"\nversion = "{}"\n{}\n[columns]\ncode = "Mã"\ndisplay = "Tên"\n'
        )
        path = tmp_path / f"{version}.toml"
        path.write_text(text.format(version, more), encoding="utf-8")
        return str(path)

    path = tmp_path / "t.csv"
    path.write_text("Mã,Tên\nA,Một\nB,Hai\nC,Ba\n", encoding="utf-8")
    await loaded(house, path, told("2020"))
    first = await state(house)
    path.write_text("Mã,Tên\nA,Một mới\nB,Hai\n", encoding="utf-8")
    done = await loaded(house, path, told("2026", "from = 2026-07-01"))

    async with house.reading() as ctx:
        of = await concepts.system(ctx, "http://example.org/t")
        assert of is not None
        days = (date(2026, 6, 30), date(2026, 7, 1))
        names = [[(await concepts.find(ctx, of, code, day)) for day in days] for code in "ABC"]
    shown = [
        [one and (one.display, one.in_force(day)) for one, day in zip(some, days, strict=True)]
        for some in names
    ]
    assert shown == [
        [("Một", True), ("Một mới", True)], [("Hai", True), ("Hai", True)], [("Ba", True), ("Ba", False)],
    ]  # fmt: skip
    assert done.lists[0].begins == date(2026, 7, 1)

    async with house.reading() as ctx:
        await loads.undo(ctx.tx, house.app.definitions, number=done.load)
    assert await state(house) == first


def test_recognised__what_is_no_list_is_refused_with_what_would_be(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    (tmp_path / "x.csv").write_text("a,b\n")

    with pytest.raises(BadFile, match="neither a FHIR package"):
        files.recognised(tmp_path / "x.pdf")
    with pytest.raises(BadMapping, match="icd10-tt06"):
        files.recognised(tmp_path / "x.csv")
