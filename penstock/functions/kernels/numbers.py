"""Numbers by Spark's number formats: `999`, `00.00`, `99G999D99S`, `$9,999.99`, `9999PR`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

_FORMAT = re.compile(r"^(MI|S)?(\$)?([09,G]*)(?:([.D])([09]*))?(\$)?(PR|MI|S)?$")


@dataclass(frozen=True)
class NumberFormat:
    """A parsed format.  `groups`: the digits before the decimal point, split at the grouping separators."""

    text: str
    sign_before: str
    currency: bool
    groups: tuple[str, ...]
    point: bool
    decimals: str
    sign_after: str

    @property
    def whole(self) -> str:
        return "".join(self.groups)

    @property
    def precision(self) -> int:
        return len(self.whole) + len(self.decimals)

    @property
    def scale(self) -> int:
        return len(self.decimals)


@lru_cache(maxsize=256)
def number_format(text: str) -> NumberFormat | None:
    """The format, or None when it is none."""
    match = _FORMAT.match(text.upper())
    if match is None:
        return None
    before, dollar, whole, point, decimals, late_dollar, after = match.groups()
    groups = tuple(re.split("[,G]", whole))
    if (before and after) or (dollar and late_dollar) or not (whole or decimals):
        return None
    if late_dollar or (len(groups) > 1 and not all(groups)):
        return None
    return NumberFormat(text, before or "", bool(dollar), groups, point is not None, decimals or "", after or "")


# ---------------------------------------------------------------- formatting


def _integer_part(form: NumberFormat, digits: str) -> str:
    """Digits under the pattern, aligned right; places before the first digit are zeros in a group that starts with 0,
    else blanks."""
    missing, out, at = len(form.whole) - len(digits), "", 0
    for i, group in enumerate(form.groups):
        if i:
            out += "," if out[-1:].isdigit() else " "
        for _ in group:
            out += digits[at - missing] if at >= missing else "0" if group.startswith("0") else " "
            at += 1
    return out


@by_row(pa.string())
def to_char(number: str, pattern: str) -> str:
    """A decimal number (as text) in a format; `#` for each place when it does not fit."""
    form = number_format(pattern)
    assert form is not None
    negative = number.startswith("-")
    whole, _, fraction = number.lstrip("-").partition(".")
    whole, fraction = whole.lstrip("0"), fraction.rstrip("0")
    negative = negative and bool(whole or fraction)
    if len(whole) > len(form.whole) or len(fraction) > form.scale:
        body = re.sub("[09]", "#", " ".join(form.groups) + ("." + form.decimals if form.point else ""))
    else:
        body = _integer_part(form, whole)
        if form.point:
            signed_before = bool(
                form.sign_before == "S" or (negative and (form.sign_before or form.sign_after == "PR"))
            )
            body = body[:-1] + "0" if body == " " * len(body) and body and not signed_before else body
            body += "." + fraction.ljust(form.scale, "0") if form.scale else " "
    return _signed(form, body, negative)


def _signed(form: NumberFormat, body: str, negative: bool) -> str:
    """A sign stands right before the first digit."""
    body = ("$" if form.currency else "") + body
    before = {"S": "-" if negative else "+", "MI": "-" if negative else " ", "": ""}[form.sign_before]
    after = {"S": "-" if negative else "+", "MI": "-" if negative else " ", "PR": ">" if negative else "  ", "": ""}
    before = "<" if form.sign_after == "PR" and negative else before
    blanks = len(body) - len(body.lstrip(" ")) if before.strip() else 0
    return body[:blanks] + before + body[blanks:] + after[form.sign_after]


# ---------------------------------------------------------------- parsing


@lru_cache(maxsize=256)
def _parser(pattern: str) -> re.Pattern[str]:
    form = number_format(pattern)
    assert form is not None
    sign = {"S": "(?P<sign>[+-])?", "MI": "(?P<sign>-)?", "": "", "PR": "(?P<close>>)?"}
    before = "(?P<open><)?" if form.sign_after == "PR" else sign[form.sign_before]
    dollar = r"\$" if form.currency else ""
    decimals = rf"(?:\.(?P<decimals>[0-9]{{0,{form.scale}}}))?" if form.point else ""
    return re.compile(f"^{before}{dollar}(?P<whole>{_whole(form)}){decimals}{sign[form.sign_after]}$")


def _whole(form: NumberFormat) -> str:
    """The last group first: groups before the number's first digit may be missing when they start with 9."""
    text = ""
    for i, group in enumerate(reversed(form.groups)):
        exact = group.startswith("0")
        digits = f"[0-9]{{{len(group)}}}" if exact else f"[0-9]{{0,{len(group)}}}"
        full = f"[0-9]{{{len(group)}}}"
        text = (
            digits if i == 0 else rf"(?:{digits},{_full(form, i)}|{text})" if not exact else rf"{full},{_full(form, i)}"
        )
    return text


def _full(form: NumberFormat, groups: int) -> str:
    return ",".join(f"[0-9]{{{len(group)}}}" for group in form.groups[-groups:])


@by_row(pa.string())
def to_number(text: str, pattern: str, quiet: bool) -> str | None:
    """The number (as text) that `text` is in a format; INVALID_FORMAT.MISMATCH_INPUT (quiet: NULL) when it is none."""
    match = _parser(pattern).match(re.sub(r"\s", "", text))
    found = match.groupdict() if match else {}
    whole, decimals = (found.get("whole") or "").replace(",", ""), found.get("decimals") or ""
    if match is None or not (whole or decimals) or bool(found.get("open")) != bool(found.get("close")):
        if quiet:
            return None
        raise raised(
            "INVALID_FORMAT.MISMATCH_INPUT", f"The input '{text}' does not match the format '{pattern}'.",
            sqlstate="42601", kind="illegal_argument", inputType='"STRING"', input=text, format=pattern,
        )  # fmt: skip
    negative = found.get("sign") == "-" or bool(found.get("open"))
    return f"{'-' if negative else ''}{whole or '0'}" + (f".{decimals}" if decimals else "")
