"""Commands about forms: see the paper of one; list, check, load, write out and retire a hospital's own."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hsba.cli.common import Commands, Data, Demo, Tenant, in_house, output
from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.fhir.problems import BadRequest
from hsba.forms import catalogue, paper, source
from hsba.forms.shelf import UnknownForm
from hsba.ops.form_desk import FormDesk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from hsba.forms.model import Form

forms = typer.Typer(
    cls=Commands, help="Biểu mẫu · Forms", no_args_is_help=True, pretty_exceptions_show_locals=False
)


@forms.callback()
def group() -> None:
    """Biểu mẫu · Forms."""


class BadAnswers(BadRequest):
    """The file of answers is no JSON object of item and answer; nothing was printed."""

    vi = "Tệp câu trả lời không phải JSON dạng {mục: câu trả lời}; chưa in gì."


Code = Annotated[str, typer.Argument(help="Mã biểu mẫu, như 17/BV1 · Code of a form")]
File = Annotated[
    Path, typer.Argument(help="Tệp YAML của biểu mẫu · The form's file", exists=True, dir_okay=False)
]


@forms.command("list")
def list_forms(*, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Liệt kê biểu mẫu đang dùng (* của đơn vị) · List the forms in use (* the house's own)."""

    async def work(desk: FormDesk) -> None:
        output.print("\n".join(await desk.list()), soft_wrap=True, markup=False)

    _at_desk(work, tenant, data, demo=demo)


@forms.command("check")
def check_form(file: File) -> None:
    """Kiểm tra một tệp biểu mẫu, không nạp · Check a form's file without loading it."""
    form = source.load(file.read_text("utf-8"), file.name, catalogue.library())
    output.print(f"✓ {form.code}, {form.version}: {sum(1 for _ in form.walk())} mục", markup=False)


@forms.command("load")
def load_form(file: File, *, tenant: Tenant = None, data: Data = None, demo: Demo = False) -> None:
    """Nạp biểu mẫu của đơn vị, hoặc phiên bản khác của mẫu · Load a form of the house's own, or another version of one."""

    async def work(desk: FormDesk) -> None:
        form, new = await desk.load(file.read_text("utf-8"), file.name)
        said = "đã nạp · loaded" if new else "đã có, không đổi · there already"
        output.print(f"✓ {form.code}, {form.version}: {said}", markup=False)

    _at_desk(work, tenant, data, demo=demo)


@forms.command("export")
def export_form(
    code: Code,
    *,
    version: Annotated[str, typer.Option(help="Phiên bản; không ghi là bản đang dùng · Version")] = "",
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """In tệp YAML của biểu mẫu ra màn hình, để sửa và nạp lại · Write a form's file, to change it and load it again."""

    async def work(desk: FormDesk) -> None:
        typer.echo(await desk.text(code, version), nl=False)

    _at_desk(work, tenant, data, demo=demo)


@forms.command("retire")
def retire_form(
    code: Code,
    version: Annotated[str, typer.Argument(help="Phiên bản · Version")],
    *,
    tenant: Tenant = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Thôi dùng một phiên bản của đơn vị; tờ đã viết vẫn còn · Begin no more sheets with a version of the house's own."""

    async def work(desk: FormDesk) -> None:
        await desk.retire(code, version)
        output.print(f"✓ {code}, {version}", markup=False)

    _at_desk(work, tenant, data, demo=demo)


def _at_desk(
    work: Callable[[FormDesk], Awaitable[None]], tenant: str | None, data: Path | None, *, demo: bool
) -> None:
    in_house(lambda house, _: work(FormDesk(house, house.tenants.get(tenant))), data, demo=demo)


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
    pdf = render(Order((paper.lay(found, written, bilingual=bilingual),), datetime.now(paper.ZONE)))
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
