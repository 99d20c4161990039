"""What was changed about rights, newest first, as the tables keep it: for the security officer who looks after it.

The audit trail tells more (what was refused, from where); this list needs nobody to search it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.administration.office import Office

PAGE = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One change: when, by whom, of which sort, to what, and what it is since."""

    at: datetime
    by: str | None
    """None is the operator, on the server."""
    sort: str
    """`account`, `kind`, `give`, `take-back`, `role`, `propose` or `decide`."""
    subject: str
    """An account or a role."""
    what: str
    """The kind of the account, the role given, the title of the role, the decision."""
    department: str | None


_CHANGES = """
SELECT at, by, sort, subject, what, department FROM (
    SELECT a.created AS at, a.made_by AS by, 'account' AS sort, a.login AS subject, a.kind AS what, NULL AS department
    FROM access.account a WHERE a.tenants IS NULL OR $1 = ANY (a.tenants)
    UNION ALL SELECT a.kind_set, a.kind_set_by, 'kind', a.login, a.kind, NULL
    FROM access.account a WHERE a.kind_set IS NOT NULL AND (a.tenants IS NULL OR $1 = ANY (a.tenants))
    UNION ALL SELECT g.granted, g.granted_by, 'give', g.account, g.role, g.department
    FROM record.role_grant g WHERE g.tenant = $1
    UNION ALL SELECT g.revoked, g.revoked_by, 'take-back', g.account, g.role, g.department
    FROM record.role_grant g WHERE g.tenant = $1 AND g.revoked IS NOT NULL
    UNION ALL SELECT p.changed, array_to_string(p.authors, ', '), 'propose', p.name, coalesce(p.title, p.name), NULL
    FROM record.role_proposal p WHERE p.tenant = $1
    UNION ALL SELECT p.decided, p.decided_by, 'decide', p.name, p.state, NULL
    FROM record.role_proposal p WHERE p.tenant = $1 AND p.decided IS NOT NULL
    UNION ALL SELECT r.changed, r.account, 'role', r.name, r.title, NULL FROM record.role r WHERE r.tenant = $1
) changes
WHERE ($2::timestamptz IS NULL OR at < $2) ORDER BY at DESC, sort, subject LIMIT $3
"""


async def changes(office: Office, *, before: datetime | None = None) -> tuple[list[Change], datetime | None]:
    """A page of the changes; and before which moment the next page begins, None at the end."""
    rows = await office.tx.fetch(_CHANGES, office.tenant, before, PAGE + 1)
    found = [Change(*row) for row in rows[:PAGE]]
    return found, found[-1].at if len(rows) > PAGE else None
