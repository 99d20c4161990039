"""Form files: readable YAML, checked key by key, its blocks put in, made into a `Form`; every error names its line.

Step 1 the file is read with its lines - step 2 `use:` puts blocks in - step 3 each key is read by its table -
step 4 numbers are counted as the paper counts them - step 5 names, conditions and calculations are checked together.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir import fhirpath
from hsba.forms import becoming, conditions, sides
from hsba.forms.lines import Lined, each, only, parse
from hsba.forms.model import ANSWERED, KINDS, Check, Curve, Form, Head, Item, Option, Part, Row, Side, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hsba.forms.blocks import Library

ID = re.compile(r"^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$")
CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9/.-]{0,30}$")
NAMED = re.compile(r"%(?:`(?P<quoted>[^`]+)`|(?P<plain>[A-Za-z_][A-Za-z0-9_-]*))")
GIVEN = frozenset({"today", "now"})
"""Names a calculation may use beside those of items."""
COUNT = "+"
"""A number that follows the one before it on the paper."""
# Each key of the file: how its value is read.


def _text(where: Lined, key: str, value: Any) -> str:
    if isinstance(value, dict | list | bool) or value is None:
        raise where.wrong(f"{key} is text.", f"{key} phải là chữ.", key)
    return str(value)


def _flag(where: Lined, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise where.wrong(f"{key} is true or false.", f"{key} phải là true hoặc false.", key)
    return value


def _whole(least: int, most: int) -> Callable[[Lined, str, Any], int]:
    def read(where: Lined, key: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise where.wrong(
                f"{key} is a whole number from {least} to {most}.",
                f"{key} phải là số nguyên từ {least} đến {most}.", key,
            )  # fmt: skip
        return value

    return read


def _number(where: Lined, key: str, value: Any) -> Decimal:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise where.wrong(f"{key} is a number.", f"{key} phải là số.", key)
    return Decimal(value)


def _pair(where: Lined, key: str, value: Any) -> tuple[Decimal, Decimal]:
    if not isinstance(value, list) or len(value) != 2:
        raise where.wrong(f"{key} is [low, high].", f"{key} phải là [thấp, cao].", key)
    low, high = (_number(where, key, one) for one in value)
    return low, high


def _day(where: Lined, key: str, value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as exc:
        raise where.wrong(
            f"{key} is a date, 2024-01-31.", f"{key} phải là ngày, dạng 2024-01-31.", key
        ) from exc


def _one_of(*words: str) -> Callable[[Lined, str, Any], str]:
    def read(where: Lined, key: str, value: Any) -> str:
        if value not in words:
            raise where.wrong(
                f"{key} is one of {', '.join(words)}.", f"{key} phải là một trong: {', '.join(words)}.", key
            )
        return str(value)

    return read


def _words(where: Lined, key: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(where, key, one) for one in (value if isinstance(value, list) else [value]))


def _boxes(where: Lined, key: str, value: Any) -> tuple[int, ...]:
    return tuple(_whole(1, 20)(where, key, one) for one in (value if isinstance(value, list) else [value]))


def _options(where: Lined, key: str, value: Any) -> tuple[Option, ...]:
    """A list of {code: label}, or {code, label, means: system|code}."""
    if not isinstance(value, list) or not value:
        raise where.wrong(f"{key} is a list of choices.", f"{key} phải là danh sách lựa chọn.", key)
    made = []
    for one in value:
        if not isinstance(one, Lined):
            raise where.wrong(f"{key}: each choice is `1: words`.", f"{key}: mỗi lựa chọn ghi `1: chữ`.", key)
        if "code" in one:
            only(one, {"code", "label", "en", "means"})
            system, _, means = str(one.get("means", "")).rpartition("|")
            made.append(
                Option(
                    str(one["code"]),
                    _text(one, "label", one.get("label")),
                    str(one.get("en", "")),
                    system,
                    means,
                )
            )
        else:
            made += [Option(str(code), _text(one, code, label)) for code, label in one.items()]
    if len({one.code for one in made}) != len(made):
        raise where.wrong(f"{key}: a choice stands twice.", f"{key}: có lựa chọn bị lặp.", key)
    return tuple(made)


def _signers(where: Lined, key: str, value: Any) -> tuple[Signer, ...]:
    made = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Lined):
            only(one, {"label", "roles", "note"})
            made.append(
                Signer(
                    _text(one, "label", one.get("label")),
                    _words(one, "roles", one.get("roles", [])),
                    str(one.get("note", "")),
                )
            )
        else:
            made.append(Signer(_text(where, key, one)))
    return tuple(made)


def _fixed(where: Lined, key: str, value: Any) -> tuple[Row, ...]:
    if not isinstance(value, list) or not all(isinstance(one, Lined) for one in value):
        raise where.wrong(f"{key} is a list of rows.", f"{key} phải là danh sách dòng.", key)
    made = []
    for one in value:
        only(one, {"id", "n", "label", "without", "hints"})
        made.append(
            Row(
                _text(one, "id", one.get("id")), str(one.get("n", "")), str(one.get("label", "")),
                _words(one, "without", one.get("without", [])), dict(one.get("hints", {})),
            )
        )  # fmt: skip
    return tuple(made)


def _curves(where: Lined, key: str, value: Any) -> tuple[Curve, ...]:
    """A list of {of, label, scale: [low, high, step]} with unit, mark and colour."""
    mark, colour = _one_of("dot", "cross", "circle", "up", "down"), _one_of("", "red", "blue")
    made = []
    for one in each(where, key, value):
        only(one, {"of", "label", "unit", "scale", "mark", "colour"})
        scale = one.get("scale")
        if not isinstance(scale, list) or len(scale) != 3:
            raise one.wrong("scale is [low, high, step].", "scale phải là [thấp, cao, bước].", "scale")
        least, most, step = (_number(one, "scale", number) for number in scale)
        made.append(
            Curve(
                _text(one, "of", one.get("of")), _text(one, "label", one.get("label")), least, most, step,
                unit=str(one.get("unit", "")), mark=mark(one, "mark", one.get("mark", "dot")),
                colour=colour(one, "colour", one.get("colour", "")),
            )
        )  # fmt: skip
    return tuple(made)


def _sides(where: Lined, _key: str, _value: Any) -> tuple[Side, ...]:
    """A list of {id, label, width}, right before left."""
    return tuple(
        Side(
            _text(one, "id", one.get("id")), _text(one, "label", one.get("label")),
            _whole(5, 95)(one, "width", one.get("width", 50)),
        )
        for one in sides.sides(where)
    )  # fmt: skip


ITEM: dict[str, tuple[str, Callable[[Lined, str, Any], Any]]] = {
    "label": ("label", _text),
    "en": ("en", _text),
    "n": ("number", _text),
    "hint": ("hint", _text),
    "heading": ("heading", _whole(0, 3)),
    "lines": ("lines", _whole(0, 60)),
    "width": ("width", _whole(5, 100)),
    "unit": ("unit", _text),
    "ucum": ("ucum", _text),
    "min": ("least", _number),
    "max": ("most", _number),
    "usual": ("usual", _pair),
    "decimals": ("decimals", _whole(0, 6)),
    "longest": ("longest", _whole(1, 1_000_000)),
    "boxes": ("boxes", _boxes),
    "options": ("options", _options),
    "inline": ("inline", _flag),
    "spelled": ("spelled", _flag),
    "numbered": ("numbered", _flag),
    "codes": ("codes", _text),
    "upper": ("upper", _flag),
    "required": ("required", _flag),
    "value": ("value", _text),
    "from": ("source", _text),
    "copy": ("copy", _text),
    "frame": ("frame", _flag),
    "rows": ("rows", _whole(0, 60)),
    "fixed": ("fixed", _fixed),
    "across": ("across", _whole(1, 4)),
    "turned": ("turned", _flag),
    "curves": ("curves", _curves),
    "separator": ("separator", _text),
    "sides": ("sides", _sides),
    "signers": ("signers", _signers),
    "dated": ("dated", _flag),
    "page": ("page", _one_of("before")),
    "columns": ("columns", _whole(1, 6)),
    "split": ("split", _whole(10, 90)),
    "art": ("art", _text),
}
"""Keys of an item: the attribute, and how it is read; what stands for more than a value is read by `_Reader.item`."""

PART: dict[str, tuple[str, Callable[[Lined, str, Any], Any]]] = {
    "title": ("title", _text),
    "n": ("number", _text),
    "heading": ("heading", _whole(0, 3)),
    "fill": ("fill", _words),
    "sign": ("sign", _text),
    "repeats": ("repeats", _flag),
    "as-table": ("as_table", _flag),
    "turned": ("turned", _flag),
    "rows": ("rows", _whole(0, 60)),
    "quiet": ("quiet", _flag),
    "dense": ("dense", _flag),
    "page": ("page", _one_of("before")),
}

FORM: dict[str, tuple[str, Callable[[Lined, str, Any], Any]]] = {
    "form": ("code", _text),
    "version": ("version", _text),
    "name": ("name", _text),
    "title": ("title", _text),
    "subtitle": ("subtitle", _text),
    "printed": ("printed", _text),
    "kind": ("kind", _one_of("cover", "sheet", "paper")),
    "basis": ("basis", _text),
    "source": ("source", _text),
    "confidence": ("confidence", _one_of("confirmed", "reconstructed")),
    "valid-from": ("valid_from", _day),
    "valid-to": ("valid_to", _day),
    "size": ("size", _one_of("a4", "a5")),
    "landscape": ("landscape", _flag),
    "many": ("many", _flag),
}
NEEDED = ("form", "version", "name", "title", "kind", "parts")


def load(text: str, file: str, library: Library) -> Form:
    """Read one form file; BadForm names the line of the first error."""
    top = parse(text, file)
    only(top, {*FORM, "parts", "checks", "head"})
    for key in NEEDED:
        if key not in top:
            raise top.wrong(f"{key} is missing.", f"thiếu {key}.")
    made: dict[str, Any] = {
        name: read(top, key, top[key]) for key, (name, read) in FORM.items() if key in top
    }
    if not CODE.match(made["code"]):
        raise top.wrong("form is a code such as 17/BV1.", "form phải là mã như 17/BV1.", "form")
    reader = _Reader(library)
    head = top.get("head", [])
    form = Form(
        slug=made["code"].replace("/", "-").replace(".", "-"),
        parts=tuple(reader.part(one) for one in each(top, "parts", top["parts"])),
        checks=tuple(_check(one) for one in reader.checks(top)),
        head=reader.head(top, head),
        text=text,
        **made,
    )
    _agree(form, top, reader.places, library)
    return form


class _Reader:
    """Reads items, keeping the count of the paper's running numbers and where each item stands in the file."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.count = 0
        self.owner = ""
        self.places: dict[str, Lined] = {}

    def part(self, where: Lined) -> Part:
        only(where, {*PART, "id", "items"})
        made = {name: read(where, key, where[key]) for key, (name, read) in PART.items() if key in where}
        self.owner = self._id(where)
        return Part(id=self.owner, items=self.items(where, "items"), **{"title": "", **made})

    def head(self, top: Lined, value: Any) -> Head:
        if isinstance(value, str):
            value = self.library.block(top, "head", value)[0]
        if not value:
            return Head()
        only(value, {"left", "middle", "right", "titled"})
        return Head(
            **{
                side: tuple(self._coded(top, one) for one in self.items(value, side))
                for side in ("left", "middle", "right")
            },
            titled=_flag(value, "titled", value.get("titled", False)),
        )

    @staticmethod
    def _coded(top: Lined, item: Item) -> Item:
        """A line of the head that shows nothing of its own shows the code printed on the paper."""
        return (
            replace(item, label=str(top.get("printed", "")))
            if item.kind == "show" and not item.label
            else item
        )

    def checks(self, top: Lined) -> list[Lined]:
        return self.library.put_in(top, "checks", top.get("checks", []))

    def items(self, where: Lined, key: str) -> tuple[Item, ...]:
        return tuple(self.item(one) for one in self.library.put_in(where, key, where.get(key) or []))

    def asked(self, where: Lined) -> tuple[Item, ...]:
        """The items of an item, of both sides where it has them."""
        if "sides" not in where:
            return self.items(where, "items")
        rows = self.library.put_in(where, "items", where.get("items") or [])
        return tuple(self.item(one) for one in sides.doubled(rows, sides.sides(where)))

    def item(self, where: Lined) -> Item:
        only(where, {*ITEM, "id", "type", "when", "becomes", "items", "right", "beside", "count", "part"})
        kind = where.get("type", "group" if "items" in where else "text")
        if kind not in KINDS:
            raise where.wrong(
                f"type is one of {', '.join(KINDS)}.", f"type phải là một trong: {', '.join(KINDS)}.", "type"
            )
        if "count" in where:
            self.count = _whole(1, 200)(where, "count", where["count"]) - 1
        made = {name: read(where, key, where[key]) for key, (name, read) in ITEM.items() if key in where}
        if made.get("number") == COUNT:
            self.count += 1
            made["number"] = f"{self.count}."
        when = None
        if "when" in where:
            when = conditions.read(_text(where, "when", where["when"]))
            if when is None:
                raise where.wrong(
                    "when is `item = value`, joined by and, or by or.",
                    "when phải là `mục = giá trị`, nối bằng and hoặc bằng or.",
                    "when",
                )
        beside = where.get("beside")
        above, self.owner = self.owner, _text(where, "part", where.get("part", self.owner))
        found = Item(
            id=self._id(where), kind=kind, part=self.owner, when=when, becomes=becoming.read(where, where.get("becomes")),
            items=self.asked(where), right=self.items(where, "right"),
            beside=self.item(self.library.put_in(where, "beside", [beside])[0]) if beside else None, **made,
        )  # fmt: skip
        self.owner = above
        _fits(found, where)
        return found

    def _id(self, where: Lined) -> str:
        id_ = where.get("id")
        if not isinstance(id_, str) or not ID.match(id_):
            raise where.wrong(
                f"id {id_!r}: small letters, digits, - and dots.",
                f"id {id_!r}: chỉ chữ thường, số, - và dấu chấm.",
                "id",
            )
        if id_ in self.places:
            raise where.wrong(f"id {id_} stands twice.", f"id {id_} có hai lần.", "id")
        self.places[id_] = where
        return id_


def _check(where: Lined) -> Check:
    only(where, {"that", "say", "en", "items", "stops"})
    for key in ("that", "say", "en", "items"):
        if key not in where:
            raise where.wrong(f"{key} is missing.", f"thiếu {key}.")
    _path(where, "that", _text(where, "that", where["that"]))
    return Check(
        _text(where, "that", where["that"]), _text(where, "say", where["say"]), _text(where, "en", where["en"]),
        _words(where, "items", where["items"]), _flag(where, "stops", where.get("stops", True)),
    )  # fmt: skip


def _fits(item: Item, where: Lined) -> None:
    """Refuse keys that make no sense together."""
    k = item.kind
    rules: tuple[tuple[bool, str, str, str], ...] = (
        (k in ("one", "many") and not item.options, "type", "choices need options.", "cần options."),
        (bool(item.options) and k not in ("one", "many"), "options", "for one or many only.", "chỉ dùng với one, many."),
        (k == "coded" and not item.codes, "type", "coded needs codes.", "coded cần codes."),
        (k == "table" and not item.items, "type", "a table needs items, its columns.", "bảng cần items là các cột."),
        (bool(item.fixed) and k != "table", "fixed", "for a table only.", "chỉ dùng với bảng."),
        (item.turned and k != "table", "turned", "for a table only.", "chỉ dùng với bảng."),
        (bool(item.curves) != (k == "chart"), "curves", "a chart has them, nothing else.", "chỉ chart có, và phải có."),
        (k == "signatures" and not item.signers, "type", "signatures need signers.", "signatures cần signers."),
        (bool(item.art) and k != "drawing", "art", "for a drawing only.", "chỉ dùng với drawing."),
        (bool(item.columns) and not item.options, "columns", "for choices only.", "chỉ dùng với options."),
        (bool(item.sides) and k != "group", "sides", "for a group only.", "chỉ dùng với group."),
        (bool(item.right) and k != "group", "right", "for a group only.", "chỉ dùng với group."),
        (k in ANSWERED and bool(item.items), "items", "for groups and tables only.", "chỉ group và table có items."),
        (_more_than_one(item), "id", "one of value, from and copy.", "chỉ một trong value, from, copy."),
        (_upside_down(item), "min", "min is over max.", "min lớn hơn max."),
        (k == "table" and any(one.items for one in item.items), "items", "no groups in a table.", "bảng không chứa group."),
    )  # fmt: skip
    for wrong, key, en, vi in rules:
        if wrong:
            raise where.wrong(f"{item.id}: {en}", f"{item.id}: {vi}", key)


def _more_than_one(item: Item) -> bool:
    return sum(bool(one) for one in (item.value, item.source, item.copy)) > 1


def _upside_down(item: Item) -> bool:
    return item.least is not None and item.most is not None and item.least > item.most


def _agree(form: Form, top: Lined, places: Mapping[str, Lined], library: Library) -> None:
    """What only the whole form can say: every name is known, nothing waits for itself."""
    items = {item.id: item for item in form.walk()}
    cells = {
        f"{table.id}.{row.id}.{column.id}"
        for table in items.values()
        for row in table.fixed
        for column in table.items
    }
    known = frozenset({*items, *cells})
    for part in form.parts:
        if part.as_table and not part.repeats:
            raise places[part.id].wrong("as-table needs repeats.", "as-table cần repeats.")
        if (part.turned or part.rows) and not part.as_table:
            raise places[part.id].wrong("turned and rows need as-table.", "turned và rows cần as-table.")
    for item in items.values():
        if form.part(item.part) is None:
            raise places[item.id].wrong(
                f"there is no part {item.part}.", f"không có phần {item.part}.", "part"
            )
        for curve in item.curves:
            if curve.of not in items:
                raise places[item.id].wrong(
                    f"a curve names {curve.of}, which is no item.",
                    f"curves nhắc {curve.of}, không có mục này.",
                    "curves",
                )
    asks: dict[str, set[str]] = {}
    for part in form.parts:
        for item in part.items:
            _asks(item, frozenset(), asks, places, known)
    for item in (*items.values(), *form.head.left, *form.head.middle, *form.head.right):
        for key, fact in (("from", item.source), ("copy", item.copy)):
            if fact and fact not in library.facts:
                raise places[item.id].wrong(f"there is no fact {fact}.", f"không có dữ kiện {fact}.", key)
    for check in form.checks:
        for name in (*check.items, *names(check.that)):
            if name not in known and name not in GIVEN:
                raise top.wrong(
                    f"a check names {name}, which is no item.",
                    f"checks nhắc {name}, không có mục này.",
                    "checks",
                )
    _no_circle(asks, places)


def _asks(
    item: Item,
    above: frozenset[str],
    asks: dict[str, set[str]],
    places: Mapping[str, Lined],
    known: frozenset[str],
) -> None:
    """Note which items the being-asked and the value of each depend on."""
    named = {clause.item for clause in item.when.clauses} if item.when else set()
    for name in named:
        if name not in known:
            raise places[item.id].wrong(
                f"when names {name}, which is no item.", f"when nhắc {name}, không có mục này.", "when"
            )
    calculated = set()
    if item.value:
        _path(places[item.id], "value", item.value)
        calculated = names(item.value) - GIVEN
        for name in calculated:
            if name not in known:
                raise places[item.id].wrong(
                    f"value names {name}, which is no item.", f"value nhắc {name}, không có mục này.", "value"
                )
    inherited = above | named
    asks[item.id] = set(inherited | calculated)
    for child in item.children():
        _asks(child, inherited, asks, places, known)


def _no_circle(asks: Mapping[str, set[str]], places: Mapping[str, Lined]) -> None:
    done: set[str] = set()

    def go(id_: str, way: tuple[str, ...]) -> None:
        if id_ in way:
            circle = " → ".join((*way[way.index(id_) :], id_))
            raise places[id_].wrong(
                f"conditions go in a circle: {circle}.", f"điều kiện thành vòng: {circle}."
            )
        if id_ not in done:
            for other in sorted(asks.get(id_, ())):
                go(other, (*way, id_))
            done.add(id_)

    for id_ in asks:
        go(id_, ())


def names(text: str) -> set[str]:
    """The items and given names that an expression asks: %arrival, %`vitals.pulse`."""
    return {found["quoted"] or found["plain"] for found in NAMED.finditer(text)}


def _path(where: Lined, key: str, text: str) -> None:
    try:
        fhirpath.parse(text)
    except fhirpath.InvalidExpression as exc:
        raise where.wrong(f"{key}: {exc.sentence}", f"{key}: {exc.sentence_vi}", key) from exc
