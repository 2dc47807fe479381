"""Many random streams against their batch answers: the cases of tests/property, as many as asked for.

usage: python scripts/random_streams.py COUNT [FIRST_SEED]

Prints every seed that fails, with what differs, and at the end the figures; exits with 1 if one failed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import penstock
from tests.property.runner import check_case


def main(count: int, first: int = 0) -> int:
    spark = penstock.session({"spark.sql.session.timeZone": "UTC"})
    started, kinds, failed = time.monotonic(), Counter[str](), 0
    for seed in range(first, first + count):
        try:
            kinds[check_case(spark, seed).partition(": ")[2]] += 1
        except Exception as error:
            failed += 1
            print(f"seed {seed} failed: {str(error)[:3000]}\n", flush=True)
        if (seed + 1 - first) % 500 == 0:
            print(f"{seed + 1 - first} cases, {failed} failed, {time.monotonic() - started:.0f} s", flush=True)
    for kind, passed in sorted(kinds.items()):
        print(f"{passed:6} {kind}")
    print(f"{count} cases, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
