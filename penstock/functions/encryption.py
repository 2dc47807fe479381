"""aes_encrypt and aes_decrypt."""

from __future__ import annotations

from penstock.functions.rows import row
from penstock.functions.table import register
from penstock.plan.expressions import Literal
from penstock.plan.types import BINARY, STRING

_MODE, _PADDING, _NOTHING = Literal("GCM", STRING), Literal("DEFAULT", STRING), Literal("", STRING)
_DECRYPT = "kernel_aes_decrypt({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {quiet})"
_TAKES = "binary binary string? string? binary?"

register(
    row("aes_encrypt", _TAKES + " binary?", BINARY, "kernel_aes_encrypt({0}, {1}, {2}, {3}, {4}, {5})",
        defaults={2: _MODE, 3: _PADDING, 4: _NOTHING, 5: _NOTHING}),
    row("aes_decrypt", _TAKES, BINARY, _DECRYPT.format(quiet="FALSE"),
        defaults={2: _MODE, 3: _PADDING, 4: _NOTHING}),
    row("try_aes_decrypt", _TAKES, BINARY, _DECRYPT.format(quiet="TRUE"), nullable=True,
        defaults={2: _MODE, 3: _PADDING, 4: _NOTHING}),
)  # fmt: skip
