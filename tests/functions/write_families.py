"""Writes penstock/functions/families.py: which family module has which function names.

usage: python -m tests.functions.write_families
"""

from __future__ import annotations

import ast
import textwrap
from importlib import import_module
from pathlib import Path

from penstock.functions import table

DIRECTORY = Path(table.__file__).parent
_HEAD = '''"""Which family module has which functions.  Written by `python -m tests.functions.write_families`."""

from __future__ import annotations

#: module of penstock.functions -> the names and aliases of its rows, separated by blanks
# fmt: off
FAMILIES: dict[str, str] = {
'''


def families() -> tuple[str, ...]:
    """The modules that call `register`."""
    return tuple(sorted(path.stem for path in DIRECTORY.glob("*.py") if _registers(path)))


def _registers(path: Path) -> bool:
    body = ast.parse(path.read_text("utf-8")).body
    calls = (node.value for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == "register" for call in calls)


def text() -> str:
    """The file as it should be.  Modules import each other: a name belongs to the module that was loaded for it."""
    names: dict[str, list[str]] = {}
    original = table.register

    def record(*rows: table.Function) -> None:
        import sys

        module = sys._getframe(1).f_globals["__name__"].rpartition(".")[2]
        for row in rows:
            names.setdefault(module, []).extend((row.name, *row.aliases))
        original(*rows)

    table.register = record
    try:
        for family in families():
            import_module(f"penstock.functions.{family}")
    finally:
        table.register = original
    return _HEAD + "".join(_entry(family, names[family]) for family in families()) + "}\n"


def _entry(family: str, names: list[str]) -> str:
    lines = textwrap.wrap(" ".join(names), 100, break_long_words=False, break_on_hyphens=False)
    quoted = ['        "' + line + (" " if i + 1 < len(lines) else "") + '"' for i, line in enumerate(lines)]
    return f'    "{family}": (\n' + "\n".join(quoted) + "\n    ),\n"


if __name__ == "__main__":
    table.FAMILIES.clear()
    (DIRECTORY / "families.py").write_text(text(), "utf-8")
