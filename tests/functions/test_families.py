"""The index of families, and the table of kernels."""

from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.functions import families
from penstock.functions.kernels import KERNELS, Kernel


def test_the_index_is_what_the_modules_register() -> None:
    script = "from penstock.functions import table; table.FAMILIES.clear()\n"
    script += "from tests.functions.write_families import text; print(text(), end='')"
    written = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    expected: dict[str, dict[str, str]] = {}
    exec(written, expected)
    assert expected["FAMILIES"] == families.FAMILIES, "run python -m tests.functions.write_families"


def test_a_program_imports_the_families_it_uses() -> None:
    script = (
        "import sys; from penstock.functions import lookup; lookup('sum')\n"
        "print([m for m in sys.modules if m.startswith('penstock.functions.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "functions.aggregates" in loaded
    assert "functions.json" not in loaded and "functions.kernels" not in loaded


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=lambda kernel: kernel.name)
def test_every_kernel_is_there_and_takes_its_arguments(kernel: Kernel) -> None:
    import inspect

    function = kernel.function()
    plain = inspect.unwrap(function)
    assert len(inspect.signature(plain).parameters) == len(kernel.takes)
