"""The rules of a diagnosis code that a form warns of where it is chosen: a sentence each, and never a refusal.

The flags are properties of the code, as the list brings them: `main` (no: not as main diagnosis), `mark` († or *),
`forbidden`, `discouraged`, `female`, `male`, `death`, `min-age` and `max-age` in years.  Where a list has no flag of sex,
the categories that ICD-10 limits to one sex are known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.record.context import Context
    from hsba.terminology.concepts import Concept

USES = ("main", "other", "death")
"""What a diagnosis is chosen as: the main one, one beside it, a cause of death."""
SEXES = ("female", "male", "other", "unknown")
ICD = "/vn-icd10-cs"

FEMALE = (
    "A34 B37.3 C51-C58 C79.6 D06 D07.0-D07.3 D25-D28 D39 E28 E89.4 F52.5 F53 I86.3 L29.2 L70.5 M80.0 M80.1 M81.0 M81.1"
    " M83.0 N70-N98 N99.2 N99.3 O00-O99 P54.6 Q50-Q52 R87 S31.4 S37.4-S37.6 T19.2 T19.3 T83.3 Y76 Z01.4 Z12.4 Z30.1"
    " Z30.3 Z30.5 Z31.1 Z31.2 Z32-Z36 Z39 Z43.7 Z87.5 Z97.5"
)
MALE = "B26.0 C60-C63 D07.4-D07.6 D17.6 D29 D40 E29 E89.5 F52.4 I86.1 L29.1 N40-N51 Q53-Q55 R86 S31.2 S31.3 Z12.5"
"""Categories limited to one sex (WHO, ICD-10 volume 2, lists of categories limited to one sex)."""

PAIRS = """
SELECT e.source, e.target FROM reference.map_element e JOIN reference.concept_map m ON m.id = e.map
WHERE m.url LIKE '%/ConceptMap/hsba-icd10-dagger-asterisk' AND (e.source = ANY($1) OR e.target = ANY($1))
  AND m.replaced IS NULL AND m.tenant IN (0, $2)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """For whom and as what a code is chosen, as far as it is known."""

    use: str = ""
    sex: str = ""
    age: float | None = None
    """In years."""
    beside: frozenset[str] = frozenset()
    """The other diagnoses that are there."""

    def __post_init__(self) -> None:
        """Refuse what is none of the words."""
        if self.use not in ("", *USES):
            raise BadRequest(f"use is one of {', '.join(USES)}.", vi=f"use là một trong {', '.join(USES)}.")
        if self.sex not in ("", *SEXES):
            raise BadRequest(f"sex is one of {', '.join(SEXES)}.", vi=f"sex là một trong {', '.join(SEXES)}.")


@dataclass(frozen=True, slots=True)
class Warned:
    """A rule that the choice breaks, and the sentence for people."""

    rule: str
    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A code with all that its rules ask for."""

    concept: Concept
    case: Case
    paired: frozenset[str]
    """The codes that go with it by dagger and asterisk."""
    sex: str
    """The one sex it is for, where it is for one."""


def _flag(chosen: _Chosen, name: str) -> bool:
    return chosen.concept.properties.get(name) in (True, "1", "true")


def _years(chosen: _Chosen, name: str) -> float | None:
    try:
        return float(chosen.concept.properties[name])
    except (KeyError, TypeError, ValueError):
        return None


def _mark(chosen: _Chosen) -> str:
    return str(chosen.concept.properties.get("mark", ""))


def _unpaired(chosen: _Chosen) -> bool:
    return bool(chosen.paired) and not chosen.paired & chosen.case.beside


def _too_young(chosen: _Chosen) -> bool:
    least = _years(chosen, "min-age")
    return least is not None and chosen.case.age is not None and chosen.case.age < least


def _too_old(chosen: _Chosen) -> bool:
    most = _years(chosen, "max-age")
    return most is not None and chosen.case.age is not None and chosen.case.age >= most + 1


_RULES: tuple[tuple[str, Callable[[_Chosen], bool], str, str], ...] = (
    ("forbidden", lambda one: _flag(one, "forbidden"),
     "{code} may not be used; choose a more exact code.",
     "Mã {code} không được sử dụng; hãy chọn mã chi tiết hơn."),
    ("discouraged", lambda one: _flag(one, "discouraged"),
     "{code} should rather not be used; look for a more exact code.",
     "Không khuyến khích dùng mã {code}; hãy tìm mã cụ thể hơn."),
    ("abstract", lambda one: one.concept.abstract,
     "{code} is a chapter or group and no diagnosis; choose a code below it.",
     "{code} là chương hoặc nhóm, không phải mã chẩn đoán; hãy chọn mã bên dưới."),
    ("death", lambda one: _flag(one, "death") and one.case.use in ("main", "other"),
     "{code} is only for a cause of death.",
     "Mã {code} chỉ dùng cho nguyên nhân tử vong."),
    ("asterisk", lambda one: _mark(one) == "*" and one.case.use == "main",
     "{code} (*) may not be the main diagnosis: the main one is the disease with its dagger code (†){paired}.",
     "Mã {code} (*) không được làm bệnh chính; bệnh chính là mã kiếm (†) đi cùng{paired}."),
    ("main", lambda one: one.concept.properties.get("main") is False and one.case.use == "main"
     and _mark(one) != "*" and not one.concept.abstract,
     "{code} may not be the main diagnosis.",
     "Mã {code} không được làm bệnh chính."),
    ("dagger", lambda one: _mark(one) == "*" and _unpaired(one) and one.case.use in ("", "other"),
     "{code} (*) needs its dagger code (†) beside it{paired}.",
     "Mã {code} (*) phải đi cùng mã kiếm (†){paired}."),
    ("asterisk-missing", lambda one: _mark(one) == "†" and _unpaired(one) and one.case.use in ("main", "other"),
     "{code} (†) goes with an asterisk code (*){paired}.",
     "Mã {code} (†) thường đi cùng mã sao (*){paired}."),
    ("sex", lambda one: one.case.sex in ("female", "male") and one.sex not in ("", one.case.sex),
     "{code} is only for the other sex: please check.",
     "Mã {code} chỉ dùng cho {sex}; hãy kiểm tra lại."),
    ("age", lambda one: _too_young(one) or _too_old(one),
     "{code} does not fit the patient's age.",
     "Mã {code} không phù hợp với tuổi người bệnh."),
)  # fmt: skip
"""Rule, when it is broken, and what is said."""
SHOWN = 5


def warnings(
    concept: Concept, case: Case, paired: frozenset[str] = frozenset(), *, icd: bool = False
) -> tuple[Warned, ...]:
    """What is to be said when this code is chosen so; `icd` when it is of the national ICD-10 list."""
    chosen = _Chosen(concept, case, paired, _sex_of(concept, icd=icd))
    named = sorted(paired)
    words = {
        "code": concept.code,
        "paired": (": " if named else "") + ", ".join(named[:SHOWN]) + (" …" if len(named) > SHOWN else ""),
        "sex": "nữ" if chosen.sex == "female" else "nam",
    }
    return tuple(
        Warned(rule, en.format(**words), vi.format(**words)) for rule, test, en, vi in _RULES if test(chosen)
    )


async def pairs(ctx: Context, codes: list[str]) -> dict[str, frozenset[str]]:
    """The codes that go with each of these by dagger and asterisk."""
    found: dict[str, set[str]] = {}
    for source, target in await ctx.tx.fetch(PAIRS, codes, ctx.tenant.id):
        found.setdefault(source, set()).add(target)
        found.setdefault(target, set()).add(source)
    return {code: frozenset(some) for code, some in found.items()}


def _sex_of(concept: Concept, *, icd: bool) -> str:
    flags = concept.properties
    if "female" in flags or "male" in flags:
        marked = [name for name in ("female", "male") if flags.get(name) in (True, "1", "true")]
        return marked[0] if len(marked) == 1 else ""
    if icd:
        return next((sex for sex, some in _LIMITED.items() if _within(concept.code, some)), "")
    return ""


_CODE = re.compile(r"[A-Z]\d\d(\.\d)?")


def _spans(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((first, last or first) for first, _, last in (one.partition("-") for one in text.split()))


_LIMITED = {"female": _spans(FEMALE), "male": _spans(MALE)}


def _within(code: str, spans: tuple[tuple[str, str], ...]) -> bool:
    """Whether a code lies in one of these spans, each a category or a subcategory with all below it."""
    return bool(_CODE.match(code)) and any(
        first[: len(code)] <= code[: len(first)] <= last[: len(code)] and len(code) >= len(first)
        for first, last in spans
    )
