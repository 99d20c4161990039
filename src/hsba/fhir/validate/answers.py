"""A QuestionnaireResponse against its Questionnaire, when that is at hand.

FHIR R4 questionnaireresponse.html#link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.validate import values
from hsba.fhir.validate.bindings import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]

_TYPES: dict[str, tuple[str, ...]] = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
_OPTIONS = ("valueInteger", "valueDate", "valueTime", "valueString", "valueCoding", "valueReference")
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
_FINISHED = frozenset({"completed", "amended"})


def check(response: Any, at: At, run: Run) -> None:
    """Check the answers of a response against the questions they answer."""
    questionnaire = _questionnaire(response.get("questionnaire"), run)
    if questionnaire is not None:
        _Reader(response, run).items(list(_objects(questionnaire, "item")), response, at)


def _questionnaire(address: object, run: Run) -> Object | None:
    """The Questionnaire a response names: contained in it, or among the loaded definitions."""
    if type(address) is not str:
        return None
    if address[:1] == "#":
        found = run.scope.contained.get(address[1:])
    else:
        found = run.definitions.resource(address) if run.definitions.has(address) else None
    return found if found is not None and found.get("resourceType") == "Questionnaire" else None


def _objects(owner: Object, name: str) -> Iterator[Object]:
    found = owner.get(name)
    return (each for each in (found if type(found) is list else ()) if type(each) is dict)


def _value(owner: Object, stem: str = "value") -> tuple[str, Any]:
    """The name and value of a choice; ("", None) when it is not there."""
    for name, value in owner.items():
        if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper():
            return name, value
    return "", None


def _limit(question: Object, *names: str) -> Any:
    """The value of an extension on a question: minValue, maxLength and the like, or SDC's kind of it."""
    for each in _objects(question, "extension"):
        if each.get("url") in {base + name for base in (_EXTENSION, _SDC) for name in names}:
            return _value(each)[1]
    return None


class _Reader:
    """Walks questions and answers side by side."""

    def __init__(self, response: Object, run: Run) -> None:
        self.response = response
        self.run = run
        self.by_link: dict[object, list[Object]] | None = None
        self.finished = response.get("status") in _FINISHED

    def items(self, questions: list[Object], owner: Object, at: At) -> None:
        """Check the items of a response, group or answer.

        Known, in order, as many as asked, each by its question.
        """
        run = self.run
        links = (question.get("linkId") for question in questions)
        places = {link: place for place, link in enumerate(links) if isinstance(link, str)}
        found: dict[int, list[tuple[Object, At]]] = {}
        latest = 0
        for place, item in enumerate(_objects(owner, "item")):
            here = ((at, "item"), place)
            link = item.get("linkId")
            order = places.get(link) if isinstance(link, str) else None
            if order is None:
                run.add("answer-unknown-link", here, value=item.get("linkId"))
                continue
            if order < latest:
                run.add("answer-order", here, value=item.get("linkId"))
            latest = max(latest, order)
            found.setdefault(order, []).append((item, here))
        for order, question in enumerate(questions):
            self.question(question, found.get(order, []), at)

    def question(self, question: Object, items: list[tuple[Object, At]], at: At) -> None:
        """Check all items that answer one question."""
        run, kind, link = self.run, question.get("type"), question.get("linkId")
        if not self.enabled(question):
            for item, here in items:
                if "answer" in item:
                    run.add("answer-not-enabled", here, value=link)
            return
        repeats = question.get("repeats") is True
        if len(items) > 1 and not (kind == "group" and repeats):
            run.add("answer-repeated-item", items[1][1], value=link)
        count = 0
        for item, here in items:
            answers = list(_objects(item, "answer"))
            count += len(answers) or (kind == "group")
            self.item(question, item, answers, here)
            if len(answers) > 1 and not repeats:
                run.add("answer-repeated", (here, "answer"), value=link)
        place = items[0][1] if items else at
        severity = "error" if self.finished else "warning"
        if question.get("required") is True and count == 0 and kind != "display":
            run.add("answer-missing", place, severity, value=link)  # type: ignore[arg-type]
        least, most = _limit(question, "questionnaire-minOccurs"), _limit(question, "questionnaire-maxOccurs")
        if type(least) is int and count < least:
            run.add("answer-too-few", place, severity, value=link, min=least, found=count)  # type: ignore[arg-type]
        if type(most) is int and count > most:
            run.add("answer-too-many", place, value=link, max=most, found=count)

    def item(self, question: Object, item: Object, answers: list[Object], here: At) -> None:
        """Check one item: a group by its items, a question by its answers."""
        kind = question.get("type")
        inner = list(_objects(question, "item"))
        if kind in ("group", "display"):
            if answers:
                self.run.add("answer-not-asked", here, value=question.get("linkId"))
            self.items(inner, item, here)
            return
        if "item" in item:
            self.run.add("answer-item-outside", here, value=question.get("linkId"))
        for place, answer in enumerate(answers):
            there = ((here, "answer"), place)
            self.answer(question, answer, there)
            if inner or "item" in answer:
                self.items(inner, answer, there)

    def answer(self, question: Object, answer: Object, at: At) -> None:
        """Check one answer: its type, its limits, the options it may choose from."""
        run = self.run
        name, value = _value(answer)
        if not name:
            return
        allowed = _TYPES.get(question.get("type") or "", ())
        element = run.definitions.child("QuestionnaireResponse.item.answer", name)
        if element is None:
            return
        here = (at, f"value.ofType({element.type})")
        if allowed and name not in allowed:
            run.add("answer-type", here, found=name, allowed=allowed)
            return
        self.limits(question, value, here)
        options = list(_objects(question, "answerOption"))
        is_free = question.get("type") == "open-choice" and name == "valueString"
        if options and not is_free and not any(_same(_value(option), name, value) for option in options):
            run.add("answer-not-an-option", here, value=value)
        url = question.get("answerValueSet")
        if type(url) is str and name == "valueCoding" and url[:1] != "#":
            Binding("required", url.partition("|")[0], run.definitions).coding(value, here, run)

    def limits(self, question: Object, value: Any, at: At) -> None:
        """Check lengths and the least and greatest values."""
        run = self.run
        longest, shortest = question.get("maxLength"), _limit(question, "minLength")
        if type(value) is str and type(longest) is int and len(value) > longest:
            run.add("value-too-long", at, max=longest, found=len(value))
        if type(value) is str and type(shortest) is int and len(value) < shortest:
            run.add("value-too-short", at, min=shortest, found=len(value))
        least = _limit(question, "minValue", "minQuantity")
        most = _limit(question, "maxValue", "maxQuantity")
        if values.incomparable(value, least) or values.incomparable(value, most):
            run.add("answer-unit", at, value=value)
        if least is not None and values.below(value, least):
            run.add("below-minimum", at, value=value, limit=least)
        if most is not None and values.below(most, value):
            run.add("above-maximum", at, value=value, limit=most)

    def enabled(self, question: Object) -> bool:
        """Whether a question is to be answered, given the other answers.

        Questionnaire-definitions enableWhen.
        """
        rules = list(_objects(question, "enableWhen"))
        if not rules:
            return True
        held = [self.rule(rule) for rule in rules]
        return all(held) if question.get("enableBehavior") == "all" else any(held)

    def answers(self, link: object) -> list[Object]:
        """All answers to a question, wherever they stand in the response."""
        if self.by_link is None:
            self.by_link = {}
            _collect(self.response, self.by_link)
        return self.by_link.get(link, []) if isinstance(link, str) else []

    def rule(self, rule: Object) -> bool:
        """Whether one enableWhen holds."""
        found = self.answers(rule.get("question"))
        operator = rule.get("operator")
        wanted = _value(rule, "answer")[1]
        if operator == "exists":
            return bool(found) == (wanted is True)
        test = _OPERATORS.get(operator or "")
        return test is not None and any(test(_value(each)[1], wanted) for each in found)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: values.includes(value, _key(wanted)),
    "!=": lambda value, wanted: not values.includes(value, _key(wanted)),
    ">": lambda value, wanted: values.below(wanted, value),
    "<": values.below,
    ">=": lambda value, wanted: not values.below(value, wanted),
    "<=": lambda value, wanted: not values.below(wanted, value),
}


def _key(wanted: Any) -> Any:
    """What of a coding decides whether two are the same: system and code, not the words."""
    if type(wanted) is dict and "code" in wanted:
        return {name: wanted[name] for name in ("system", "code") if name in wanted}
    return wanted


def _same(option: tuple[str, Any], name: str, value: Any) -> bool:
    return option[0] == name and option[0] in _OPTIONS and values.includes(value, _key(option[1]))


def _collect(owner: Object, found: dict[object, list[Object]]) -> None:
    """Sort all answers of a response by the question they answer."""
    for item in _objects(owner, "item"):
        link = item.get("linkId")
        for answer in _objects(item, "answer"):
            if isinstance(link, str):
                found.setdefault(link, []).append(answer)
            _collect(answer, found)
        _collect(item, found)
