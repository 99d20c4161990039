from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest

from hsba.ops import demo_folder
from hsba.store.embedded import Lock

if TYPE_CHECKING:
    from pathlib import Path


def test_claim__again_keeps_what_is_there(tmp_path: Path) -> None:
    demo_folder.claim(tmp_path / "demo", fresh=False)
    (tmp_path / "demo" / "db").mkdir()

    demo_folder.claim(tmp_path / "demo", fresh=False)

    assert (tmp_path / "demo" / "db").is_dir()


def test_claim__fresh_empties_the_demo(tmp_path: Path) -> None:
    demo_folder.claim(tmp_path / "demo", fresh=False)
    (tmp_path / "demo" / "db").mkdir()

    demo_folder.claim(tmp_path / "demo", fresh=True)

    assert [path.name for path in (tmp_path / "demo").iterdir()] == [demo_folder.MARK]


def test_claim__running_demo_is_not_emptied(tmp_path: Path) -> None:
    demo_folder.claim(tmp_path / "demo", fresh=False)
    running = Lock(tmp_path / "demo" / "owner.lock")
    assert running.take(fcntl.LOCK_EX)

    with pytest.raises(demo_folder.InUse):
        demo_folder.claim(tmp_path / "demo", fresh=True)
    running.close()


@pytest.mark.parametrize("fresh", [False, True])
def test_claim__folder_of_something_else_is_refused(tmp_path: Path, *, fresh: bool) -> None:
    (tmp_path / "precious").touch()

    with pytest.raises(demo_folder.NotADemo):
        demo_folder.claim(tmp_path, fresh=fresh)
    assert (tmp_path / "precious").exists()
