"""Commands about forms: see the paper of one."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hsba.cli.common import Commands, output
from hsba.documents import render
from hsba.fhir.problems import BadRequest
from hsba.forms import catalogue, paper, source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hsba.forms.model import Form

forms = typer.Typer(
    cls=Commands, help="Biểu mẫu · Forms", no_args_is_help=True, pretty_exceptions_show_locals=False
)


@forms.callback()
def group() -> None:
    """Biểu mẫu · Forms."""


class UnknownForm(BadRequest):
    """There is no such form and no such file; give its code (17/BV1) or the path of its YAML file."""

    vi = "Không có biểu mẫu hay tệp này; hãy ghi mã (17/BV1) hoặc đường dẫn tệp YAML."


class BadAnswers(BadRequest):
    """The file of answers is no JSON object of item and answer; nothing was printed."""

    vi = "Tệp câu trả lời không phải JSON dạng {mục: câu trả lời}; chưa in gì."


@forms.command("print")
def print_form(
    form: Annotated[
        str, typer.Argument(help="Mã biểu mẫu (17/BV1) hoặc tệp YAML · Code of a form, or its file")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Tệp PDF làm ra · The PDF to make")],
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Tệp JSON {mục: câu trả lời}; không có thì in mẫu trống · JSON of answers; blank without"
        ),
    ] = None,
    bilingual: Annotated[
        bool, typer.Option("--bilingual", help="Thêm tiếng Anh · With English beside")
    ] = False,
) -> None:
    """In một biểu mẫu, trống hoặc có câu trả lời · Print a form, blank or with answers."""
    found = read_form(form)
    written = entries(found, read_answers(answers)) if answers else {}
    pdf = render.render([paper.lay(found, written, bilingual=bilingual)], at=datetime.now(paper.ZONE))
    out.write_bytes(pdf)
    output.print(f"{out}: {len(pdf):,} byte")


def read_form(name: str) -> Form:
    """The form of a file, or the one that the program has under this code."""
    if Path(name).is_file():
        return source.load(Path(name).read_text("utf-8"), Path(name).name, catalogue.library())
    known = catalogue.forms()
    found = known.get(name) or next((one for one in known.values() if one.code == name), None)
    if found is None:
        raise UnknownForm(name)
    return found


def read_answers(file: Path) -> dict[str, Any]:
    """A file of answers: an object of item and answer; under the name of a part that repeats, a list of such objects."""
    try:
        found = json.loads(file.read_text("utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as exc:
        raise BadAnswers(str(file)) from exc
    if not isinstance(found, dict):
        raise BadAnswers(str(file))
    return found


def entries(form: Form, answers: Mapping[str, Any]) -> dict[str, Sequence[paper.Written]]:
    """The entries that these answers would be, one for each part, several where it repeats."""
    return {
        part.id: [paper.Written(one) for one in answers.get(part.id, ())]
        if part.repeats
        else [paper.Written(answers)]
        for part in form.parts
    }
