"""The list of known gaps: docs/gaps.md, made from expected_failures.toml, and what keeps both honest.

usage: python -m tests.conformance.gaps --write       docs/gaps.md anew
       python -m tests.conformance.gaps --regenerate  run all suites (a few minutes), rewrite doctests_pass.txt and
                                                      functions_agree.txt, drop what passes now from the expected
                                                      failures, name each failure that lacks a reason, write the page

The exit code of --regenerate is 1 while a failure lacks a reason or something that passed once fails.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.conformance.expected import HERE, TABLES, Expected, expected, write_expected

PAGE = HERE.parents[1] / "docs" / "gaps.md"
REFERENCE = HERE / "doctests_reference.txt"
PASSING = HERE / "doctests_pass.txt"
_INTRODUCTION = """# Known gaps

What Spark 4.2 does and Penstock does not do, or does otherwise, item by item. Each is a test that is expected to
fail, strictly: the day one passes it must leave this list. Differences that are meant are in
[differences.md](differences.md). This page is generated from `tests/conformance/expected_failures.toml` by
`python -m tests.conformance.gaps --write`.
"""


def page(entries: Expected) -> str:
    """docs/gaps.md: a section a suite, its items grouped by reason."""
    parts = [_INTRODUCTION]
    for table, title in TABLES.items():
        if not entries[table]:
            continue
        by_reason: dict[str, list[str]] = defaultdict(list)
        for item, reason in sorted(entries[table].items()):
            by_reason[reason].append(item)
        parts.append(f"\n## {title} ({len(entries[table])})\n")
        for reason, items in sorted(by_reason.items()):
            parts.append(f"\n{reason}\n\n" + "".join(f"- `` {item} ``\n" for item in items))
    return "".join(parts)


def reference() -> list[str]:
    """The documentation items that Spark itself passes."""
    return REFERENCE.read_text("utf-8").split()


# ---------------------------------------------------------------- regenerating


def regenerate() -> int:
    """Everything anew; the number of failures that lack a reason or passed before."""
    entries = expected()
    wrong = [*_doctests(entries), *_sql_examples(entries), *_differential(entries)]
    write_expected(entries)
    PAGE.write_text(page(entries), "utf-8")
    for line in wrong:
        print(line)
    print(f"{sum(map(len, entries.values()))} expected failures, {len(wrong)} failures without a reason")
    return len(wrong)


def _doctests(entries: Expected) -> list[str]:
    from tests.conformance.test_doctests_ratchet import outcomes

    known = entries["doctests"] | entries["doctests-unordered"]
    with tempfile.TemporaryDirectory() as directory:
        found = outcomes(Path(directory))
        failed = [name for name in reference() if found.get(name) != "pass" and name not in known]
        if failed:  # streams on a busy machine are given a second chance
            found |= outcomes(Path(directory), *failed)
    passing = [n for n in reference() if found.get(n) == "pass" and n not in entries["doctests-unordered"]]
    PASSING.write_text("".join(f"{name}\n" for name in sorted(passing)), "utf-8")
    return _settle(entries["doctests"], set(passing), set(reference()) - set(passing) - known.keys(), "doctests")


def _settle(table: dict[str, str], passing: set[str], failing: set[str], name: str) -> list[str]:
    """Drop from the expected failures what passes; the failures that nobody expected."""
    for item in passing & table.keys():
        print(f"{name}: passes now: {item}")
        del table[item]
    return [f"{name}: no reason in expected_failures.toml: {item}" for item in sorted(failing - table.keys())]


def _sql_examples(entries: Expected) -> list[str]:
    from tests.conformance.functions import AGREEING, Conformance, agreeing_line, examples

    conformance = Conformance()
    verdicts = {agreeing_line(case): conformance.verdict(case) for case in examples()}
    passing = [line for line, verdict in verdicts.items() if verdict == "agree"]
    AGREEING.write_text("".join(f"{line}\n" for line in passing), "utf-8")
    return _settle(entries["sql-examples"], set(passing), verdicts.keys() - set(passing), "sql-examples")


def _differential(entries: Expected) -> list[str]:
    from tests.differential.comparing import every_verdict

    wrong = []
    for table, verdicts in every_verdict().items():
        passing = {item for item, agrees in verdicts.items() if agrees}
        wrong += _settle(entries[table], passing, verdicts.keys() - passing, table)
    return wrong


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        PAGE.write_text(page(expected()), "utf-8")
        return 0
    if arguments == ["--regenerate"]:
        return 1 if regenerate() else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
