"""`hsba app` as the operator types it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import asyncpg

from acceptance.apps import KEY, jwks
from acceptance.test_commands import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from databases import Database


async def test_app__is_registered_listed_changed_and_closed(database: Database, folder: Path) -> None:
    async def typed(*words: str) -> subprocess.CompletedProcess[str]:
        where = {"DATABASE_URL": database.runtime_dsn, "HSBA_OWNER_DATABASE_URL": database.owner_dsn}
        return await asyncio.to_thread(run, "app", *words, **where)

    keys = folder / "jwks.json"
    keys.write_text(json.dumps(jwks(KEY)))

    secret = await typed("register", "his", "--scope", "system/*.rs", "--title", "HIS")
    silent = await typed("register", "kho", "--scope", "system/*.rs", "--keys", str(keys))
    wrong = await typed("register", "x1", "--scope", "nonsense")
    listed = await typed("list")
    changed = await typed("change", "his", "--scope", "system/Patient.rs", "--title", "HIS")
    renewed = await typed("renew-secret", "his")
    closed = await typed("disable", "his")
    after = await typed("list")

    assert re.fullmatch(r"hsba_\S{43}\n", secret.stdout), secret.stderr
    assert (silent.returncode, silent.stdout) == (0, "")
    assert wrong.returncode != 0
    assert "nonsense" in wrong.stderr
    assert "private_key_jwt" in listed.stdout
    assert (changed.returncode, changed.stdout) == (0, "")
    assert re.fullmatch(r"hsba_\S{43}\n", renewed.stdout)
    assert renewed.stdout != secret.stdout
    assert closed.returncode == 0
    assert "disabled" in after.stdout
    tx = await asyncpg.connect(database.owner_dsn)
    told = await tx.fetch(
        "SELECT interaction, account, detail FROM audit.line WHERE interaction LIKE 'app-%' ORDER BY id"
    )
    await tx.close()
    assert [tuple(row) for row in told] == [
        ("app-register", "operator", "client:his"),
        ("app-register", "operator", "client:kho"),
        ("app-change", "operator", "client:his"),
        ("app-secret", "operator", "client:his"),
        ("app-disable", "operator", "client:his"),
    ]
