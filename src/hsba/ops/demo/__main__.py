"""Write the demo hospital as NDJSON: `python -m hsba.ops.demo --scale 1 --out demo.ndjson`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from hsba.fhir.vn import BASE
from hsba.ops.demo.generate import generate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.ops.demo.words import Resource


def write(resources: Iterable[Resource], out: BinaryIO) -> int:
    """Write one resource a line; the answer is how many."""
    encode = msgspec.json.Encoder(decimal_format="number").encode
    count = 0
    for one in resources:
        out.write(encode(one))
        out.write(b"\n")
        count += 1
    return count


def main() -> None:
    """Read the options and write."""
    parser = argparse.ArgumentParser(
        prog="python -m hsba.ops.demo", description="Write the demo hospital as NDJSON."
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other people (default 1)")
    parser.add_argument("--scale", type=float, default=1, help="1 is 500 patients, about 20,000 resources")
    parser.add_argument(
        "--today", type=date.fromisoformat, default=None, help="the day it is looked at (default today)"
    )
    parser.add_argument("--base", default=BASE, help="canonical base of the Vietnamese profiles")
    parser.add_argument("--out", type=Path, default=None, help="a file (default: standard output)")
    asked = parser.parse_args()
    resources = generate(asked.seed, asked.scale, asked.today, asked.base)
    if asked.out is None:
        write(resources, sys.stdout.buffer)
        return
    with asked.out.open("wb") as out:
        count = write(resources, out)
    sys.stderr.write(f"{count} resources in {asked.out}\n")


if __name__ == "__main__":
    main()
