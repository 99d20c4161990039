"""`hsba export` and `hsba load` as a person types them: what goes out of one server comes into another unchanged."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from hsba.fhir import json
from hsba.ops import demo as hospital
from hsba.ops import export_folder

Resource = dict[str, Any]
HSBA = Path(sys.executable).parent / "hsba"


def run(*arguments: object, code: int = 0) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("HSBA_", "PG"))}
    done = subprocess.run(
        [HSBA, *map(str, arguments)], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def content(folder: Path) -> dict[str, Resource]:
    """Every line by its address, without what a server stamps on it."""
    found = {}
    for file in export_folder.files_of([folder]):
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for line in data.splitlines():
            one = bare(json.parse(line))
            address = f"{one['resourceType']}/{one['id']}"
            assert address not in found
            found[address] = one
    return found


def bare(resource: Resource) -> Resource:
    """A resource without what a server stamps on it."""
    meta = {
        name: value
        for name, value in resource.get("meta", {}).items()
        if name not in ("versionId", "lastUpdated")
    }
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest


@pytest.mark.slow
def test_export__loaded_elsewhere_and_exported_again_is_the_same(folder: Path) -> None:
    sent = folder / "sent.ndjson"
    lines = [json.dump(one) for one in islice(hospital.generate(scale=0.02), 900)]
    sent.write_bytes(b"\n".join(lines))

    run("load", sent, "--data", folder / "one")
    said = run("export", folder / "first", "--data", folder / "one")
    run("load", folder / "first", "--data", folder / "two")
    run("export", folder / "second", "--gzip", "--data", folder / "two")
    refused = run("export", folder / "second", "--data", folder / "two", code=78)
    run("export", folder / "third", "--data", folder / "two", "--type", "Patient", "--since", "2020-01-01")

    first = content(folder / "first")
    assert f"{len(first)} tài nguyên" in said
    originals = [bare(json.parse(line)) for line in lines]
    assert first == {f"{one['resourceType']}/{one['id']}": one for one in originals}
    assert content(folder / "second") == first
    assert "thư mục" in refused.lower()
    assert set(content(folder / "third")) == {address for address in first if address.startswith("Patient/")}
    manifest = json.parse((folder / "first" / "manifest.json").read_bytes())
    assert sum(file["count"] for file in manifest["output"]) == len(first)
