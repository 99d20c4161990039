"""A completed response held against its form: every answer is to a question of it, of the right kind and within its bounds.

Drafts may be anything.  What is missing is the business of who completes an entry (`state.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Issue, Unprocessable
from hsba.forms.answers import cells, coding, part_of
from hsba.forms.extract import DONE
from hsba.forms.model import ANSWERED, BASE
from hsba.forms.typed import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hsba.forms.model import Form, Item

Resource = dict[str, Any]

VALUES: dict[str, tuple[str, ...]] = {
    "text": ("valueString",),
    "long": ("valueString",),
    "number": ("valueDecimal", "valueInteger"),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "time": ("valueTime",),
    "datetime": ("valueDateTime",),
    "tick": ("valueBoolean",),
    "one": ("valueCoding",),
    "many": ("valueCoding",),
    "coded": ("valueCoding", "valueString"),
    "icd": ("valueCoding", "valueString"),
    "drawing": ("valueAttachment",),
}
"""What an answer may be, by the kind of its item."""


class NotAsTheForm(Unprocessable):
    """The answers do not fit the form; nothing was saved."""

    vi = "Câu trả lời không khớp biểu mẫu; chưa lưu gì."


def is_ours(response: Resource) -> bool:
    """Whether a response answers a form of this house, by the address it names."""
    return is_ours_by_url(str(response.get("questionnaire", "")))


def is_ours_by_url(url: str) -> bool:
    """Whether an address is one of a form of this house."""
    return url.startswith(BASE)


def check(form: Form | None, response: Resource) -> None:
    """Refuse a completed response that its form could not have, and one whose form is not here in that version."""
    if response.get("status") not in DONE:
        return
    if form is None:
        named = str(response.get("questionnaire", ""))
        raise NotAsTheForm(
            f"There is no form {named} here.", vi=f"Ở đây không có biểu mẫu {named}.",
            path="QuestionnaireResponse.questionnaire",
        )  # fmt: skip
    part = part_of(response)
    if part and form.part(part) is None:
        raise NotAsTheForm(
            f"{form.code} has no part {part}.", vi=f"{form.code} không có phần {part}.",
            path="QuestionnaireResponse.extension",
        )  # fmt: skip
    issues = tuple(_items(response.get("item", ()), _by_id(form), part, "QuestionnaireResponse.item"))
    if "authored" not in response:  # when its facts were found
        issues += (_issue("QuestionnaireResponse.authored", "authored", "it is missing", "còn thiếu"),)
    if issues:
        raise NotAsTheForm(issues=issues)


def _by_id(form: Form) -> dict[str, Item]:
    found = {item.id: item for item in form.walk()}
    printed = [cell for item in found.values() if item.fixed for cell, _, _ in cells(item)]
    return found | {cell.id: cell for cell in printed}


def _items(given: Iterable[Resource], known: Mapping[str, Item], part: str, path: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for number, one in enumerate(given):
        here, id_ = f"{path}[{number}]", str(one.get("linkId", ""))
        item = known.get(id_)
        if item is None:
            yield _issue(here, id_, "the form has no such item", "biểu mẫu không có mục này")
            continue
        if id_ in seen and not item.repeats:
            yield _issue(here, id_, "it is answered twice", "được trả lời hai lần")
        seen.add(id_)
        if part and item.part != part and item.kind in ANSWERED:
            yield _issue(here, id_, f"it belongs to part {item.part}", f"thuộc phần {item.part}")
        yield from _answers(item, one.get("answer", ()), here)
        yield from _items(one.get("item", ()), known, part, f"{here}.item")


def _answers(item: Item, answers: list[Resource], path: str) -> Iterator[Issue]:
    if answers and item.kind not in ANSWERED:
        yield _issue(path, item.id, "it takes no answer", "không nhận câu trả lời")
        return
    if len(answers) > 1 and item.kind != "many":
        yield _issue(path, item.id, "it takes one answer", "chỉ nhận một câu trả lời")
    for number, answer in enumerate(answers):
        here = f"{path}.answer[{number}]"
        name = next((key for key in answer if key.startswith("value")), "")
        if name not in VALUES[item.kind]:
            yield _issue(
                here,
                item.id,
                f"its answer is {VALUES[item.kind][0]}",
                f"câu trả lời phải là {VALUES[item.kind][0]}",
            )
        elif problem := _outside(item, answer[name]):
            yield _issue(here, item.id, *problem)


def _outside(item: Item, value: Any) -> tuple[str, str] | None:
    """What is wrong with a value of the right kind."""
    if item.kind in ("number", "integer"):
        number = Decimal(str(value))
        if (item.least is not None and number < item.least) or (item.most is not None and number > item.most):
            return f"outside {item.least} – {item.most}", f"ngoài khoảng {item.least} – {item.most}"
    if item.kind in LONGEST and len(value) > (item.longest or LONGEST[item.kind]):
        return "the text is too long", "chữ quá dài"
    if item.kind in ("one", "many"):
        known = [coding(item, option.code) for option in item.options]
        if not any(
            (one.get("system"), one["code"]) == (value.get("system"), value.get("code")) for one in known
        ):
            return "there is no such choice", "không có lựa chọn này"
    return None


def _issue(path: str, id_: str, en: str, vi: str) -> Issue:
    return Issue("error", "invalid", f"{id_}: {en}.", f"{id_}: {vi}.", path, problem="NotAsTheForm")
