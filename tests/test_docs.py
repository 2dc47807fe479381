"""The documents name files that exist, and README's commands are those of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"])
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py|(?:[a-z_]+/)+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    roots = (ROOT, ROOT / "penstock", page.parent)
    written_at_run_time = {"offsets/", "commits/", "sources/", "state/", "job.py"}
    names = set(NAMED.findall(page.read_text())) - written_at_run_time
    assert [name for name in names if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\$ make (\w+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_file_of_the_batch_is_in_the_journey() -> None:
    journey = (ROOT / "docs" / "architecture.md").read_text()
    for name in ("query.py", "pipeline.py", "steps.py", "planner.py", "trigger.py", "watermark.py", "progress.py"):
        assert f"runtime/{name}" in journey
