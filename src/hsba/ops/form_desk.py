"""What an administrator does about forms at the command line: list, load, write out, retire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.access.ports import Happening
from hsba.audit.witness import TrailWitness
from hsba.forms import catalogue, shelf
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from hsba.forms.model import Form
    from hsba.record.context import Tenant
    from hsba.record.work import House


@dataclass(frozen=True, slots=True)
class FormDesk:
    """The forms of one keeper of records, in an opened house."""

    house: House
    tenant: Tenant
    witness: TrailWitness = field(default_factory=TrailWitness)

    async def list(self) -> list[str]:
        """Every form a new sheet may be begun with: code, version, name, how sure its paper is, whose it is."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            found = await shelf.current(self.house.context(tx=tx, tenant=self.tenant))
        ours = catalogue.forms()
        return [
            f"{form.code:12} {form.version:4} {form.confidence:14} {'' if ours.get(form.slug) == form else '* '}{form.name}"
            for form in sorted(found.values(), key=lambda one: (one.kind, one.slug))
        ]

    async def load(self, text: str, file: str) -> tuple[Form, bool]:
        """Keep a version of a form of the keeper's own, and whether it is new."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            form, new = await shelf.load(tx, self.tenant.id, text, file, OPERATOR.account)
            if new:
                await self._tell(tx, "form-load", form.slug, form.version)
        return form, new

    async def text(self, code: str, version: str) -> str:
        """A form as a file to change and load again."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            ctx = self.house.context(tx=tx, tenant=self.tenant)
            return shelf.written(await shelf.find(ctx, slug(code), version))

    async def retire(self, code: str, version: str) -> None:
        """No new sheet is begun with this version; what was written stays and prints."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            await shelf.retire(tx, self.tenant.id, slug(code), version)
            await self._tell(tx, "form-retire", slug(code), version)

    async def _tell(self, tx: object, act: str, name: str, version: str) -> None:
        told = Happening(act, OPERATOR.account, tenant=self.tenant.id, subject=f"{name} {version}")
        await self.witness.tell(tx, told)


def slug(code: str) -> str:
    """17/BV1 as addresses have it: 17-BV1."""
    return code.replace("/", "-").replace(".", "-")
