"""VARIANT values in Spark's binary encoding (value and metadata), from JSON, to JSON, and by path."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from penstock.core.variants import (
    DECIMALS,
    INTEGERS,
    Days,
    Double,
    Float,
    Instant,
    LocalInstant,
    UnknownKindError,
    Variant,
    json_text,
    scalar_text,
)
from penstock.core.variants import decoded as decoded_value
from penstock.functions.kernels.rows import by_row, raised

VARIANT = pa.struct([("value", pa.binary()), ("metadata", pa.binary())])

_LIMIT = 16 * 1024 * 1024  # Spark's own limit for one value


# ---------------------------------------------------------------- JSON to binary


class _MalformedError(ValueError):
    """No JSON."""


class _DuplicateError(ValueError):
    """A key twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateError(next(key for key in keys if keys.count(key) > 1))
    return dict(pairs)


def _fraction(text: str) -> Any:
    number = Decimal(text)
    digits = number.as_tuple()
    scale = -int(digits.exponent)
    if "e" in text.lower() or scale > 38 or max(len(digits.digits), scale) > 38:
        return Double(text)
    return number


def _whole(text: str) -> Any:
    value = int(text)
    if -(1 << 63) <= value < 1 << 63:
        return value
    return Decimal(text) if len(text.lstrip("-")) <= 38 else Double(text)


def _not_json(name: str) -> Any:
    raise _MalformedError(name)


def loaded(text: str) -> Any:
    """JSON as Python values: int, Decimal, Double, str, bool, None, list and dict."""
    return json.loads(
        text, object_pairs_hook=_object, parse_float=_fraction, parse_int=_whole, parse_constant=_not_json
    )


def encoded(value: Any) -> Variant:
    """Any value that `loaded` gives, in binary."""
    names: dict[str, int] = {}
    body = _encode(value, names)
    keys = [key.encode() for key in names]
    size = _width(max(sum(map(len, keys)), len(keys)))
    offsets, total = [0], 0
    for key in keys:
        total += len(key)
        offsets.append(total)
    head = bytes([1 | (size - 1) << 6]) + len(keys).to_bytes(size, "little")
    metadata = head + b"".join(offset.to_bytes(size, "little") for offset in offsets) + b"".join(keys)
    if len(body) > _LIMIT or len(metadata) > _LIMIT:
        raise raised("VARIANT_CONSTRUCTOR_SIZE_LIMIT", "A variant holds 16 MiB at most.", sqlstate="22023")
    return {"value": body, "metadata": metadata}


def _width(most: int) -> int:
    return 1 if most < 1 << 8 else 2 if most < 1 << 16 else 3 if most < 1 << 24 else 4


def _primitive(kind: int, data: bytes = b"") -> bytes:
    return bytes([kind << 2]) + data


_TIMED: dict[type, tuple[int, str]] = {
    Days: (11, "<i"),
    Instant: (12, "<q"),
    LocalInstant: (13, "<q"),
    Float: (14, "<f"),
}


def _encode(value: Any, names: dict[str, int]) -> bytes:
    if value is None or isinstance(value, bool):
        return _primitive(0 if value is None else 1 if value else 2)
    if (timed := _TIMED.get(type(value))) is not None:
        return _primitive(timed[0], struct.pack(timed[1], value))
    if isinstance(value, int):
        kind, code = next((kind, code) for kind, code, bits in INTEGERS if -(1 << bits) <= value < 1 << bits)
        return _primitive(kind, struct.pack(code, value))
    if isinstance(value, float):
        return _primitive(7, struct.pack("<d", value))
    if isinstance(value, bytes):
        return _primitive(15, struct.pack("<I", len(value)) + value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, str):
        data = value.encode()
        return (
            bytes([len(data) << 2 | 1]) + data
            if len(data) < 64
            else _primitive(16, struct.pack("<I", len(data)) + data)
        )
    return _array(value, names) if isinstance(value, list) else _fields(value, names)


def _decimal(value: Decimal) -> bytes:
    scale = max(0, -int(value.as_tuple().exponent))
    unscaled = int(value.scaleb(scale))
    precision = max(len(str(abs(unscaled))), scale)
    kind, size, _ = next(row for row in DECIMALS if precision <= row[2])
    return _primitive(kind, bytes([scale]) + unscaled.to_bytes(size, "little", signed=True))


def _array(values: list[Any], names: dict[str, int]) -> bytes:
    parts = [_encode(value, names) for value in values]
    size, large = _width(sum(map(len, parts))), len(parts) > 255
    head = bytes([(large << 2 | (size - 1)) << 2 | 3]) + len(parts).to_bytes(4 if large else 1, "little")
    return head + _offsets(parts, size) + b"".join(parts)


def _offsets(parts: list[bytes], size: int) -> bytes:
    at, out = 0, [bytes(size)]
    for part in parts:
        at += len(part)
        out.append(at.to_bytes(size, "little"))
    return b"".join(out)


def _fields(values: dict[str, Any], names: dict[str, int]) -> bytes:
    """Ids and offsets in the order of the keys, values in the order they came."""
    parts: dict[str, bytes] = {}
    for key, value in values.items():
        names.setdefault(key, len(names))
        parts[key] = _encode(value, names)
    starts, at = {}, 0
    for key, part in parts.items():
        starts[key], at = at, at + len(part)
    size, large = _width(at), len(parts) > 255
    ids = _width(max((names[key] for key in parts), default=0))
    head = bytes([(large << 4 | (ids - 1) << 2 | (size - 1)) << 2 | 2]) + len(parts).to_bytes(
        4 if large else 1, "little"
    )
    order = sorted(parts)
    table = b"".join(names[key].to_bytes(ids, "little") for key in order)
    table += b"".join(starts[key].to_bytes(size, "little") for key in order) + at.to_bytes(size, "little")
    return head + table + b"".join(parts.values())


def decoded(variant: Variant) -> Any:
    """The value that was encoded; a kind that is not known is refused."""
    try:
        return decoded_value(variant)
    except UnknownKindError as error:
        raise raised(
            "UNSUPPORTED_FEATURE.PENSTOCK", f"Penstock does not support {error}.", sqlstate="0A000",
            kind="unsupported", feature=str(error),
        ) from None  # fmt: skip


# ---------------------------------------------------------------- schemas

_NAMED = {Days: "DATE", Instant: "TIMESTAMP", LocalInstant: "TIMESTAMP_NTZ", Float: "FLOAT", bytes: "BINARY"}


def kind_of(value: Any) -> Any:
    """The type as text, or ("array", kind), or ("object", {key: kind})."""
    if isinstance(value, dict):
        return ("object", {key: kind_of(member) for key, member in sorted(value.items())})
    if isinstance(value, list):
        kind: Any = "VOID"
        for member in value:
            kind = merged(kind, kind_of(member))
        return ("array", kind)
    if value is None or isinstance(value, (bool, str)):
        return "VOID" if value is None else "BOOLEAN" if isinstance(value, bool) else "STRING"
    if (name := _NAMED.get(type(value))) is not None:
        return name
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, int):
        return "BIGINT"
    text = scalar_text(value).lstrip("-")
    scale = len(text.partition(".")[2])
    return ("decimal", max(len(text.replace(".", "").lstrip("0")), scale, 1), scale)


def merged(a: Any, b: Any) -> Any:
    """The kind of values of both kinds: VARIANT when nothing smaller is."""
    if a == b or b == "VOID":
        return a
    if a == "VOID":
        return b
    if a[0] == "array" and b[0] == "array":
        return ("array", merged(a[1], b[1]))
    if a[0] == "object" and b[0] == "object":
        both = {**a[1], **b[1]}
        return ("object", {key: merged(a[1].get(key, "VOID"), b[1].get(key, "VOID")) for key in sorted(both)})
    return _merged_numbers(a, b)


def _merged_numbers(a: Any, b: Any) -> Any:
    numbers = [("decimal", 20, 0) if kind == "BIGINT" else kind for kind in (a, b)]
    if all(kind == "DOUBLE" or kind[0] == "decimal" for kind in numbers):
        if "DOUBLE" in numbers:
            return "DOUBLE"
        scale = max(kind[2] for kind in numbers)
        precision = max(kind[1] - kind[2] for kind in numbers) + scale
        return ("decimal", precision, scale) if precision <= 38 else "DOUBLE"
    return "VARIANT"


def kind_text(kind: Any) -> str:
    """A kind as schema_of_variant writes it."""
    if isinstance(kind, str):
        return kind
    if kind[0] == "decimal":
        return f"DECIMAL({kind[1]},{kind[2]})"
    if kind[0] == "array":
        return f"ARRAY<{kind_text(kind[1])}>"
    return f"OBJECT<{', '.join(f'{key}: {kind_text(member)}' for key, member in kind[1].items())}>"


# ---------------------------------------------------------------- paths

_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


@lru_cache(maxsize=256)
def path_steps(path: str) -> tuple[str | int, ...] | None:
    """Keys and indexes of `$.a[0]['b']`; None when it is malformed."""
    if not path.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return None
        steps.append(
            int(match[2]) if match[2] is not None else next(g for g in (match[1], match[3], match[4]) if g is not None)
        )
        at = match.end()
    return tuple(steps)


_NOTHING = object()


def _at(value: Any, path: str) -> Any:
    for step in path_steps(path) or ():
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else _NOTHING
        else:
            value = value.get(step, _NOTHING) if isinstance(value, dict) else _NOTHING
        if value is _NOTHING:
            return _NOTHING
    return value


# ---------------------------------------------------------------- kernels


@by_row(VARIANT)
def parse_json(text: str, quiet: bool) -> Variant | None:
    """A JSON text; MALFORMED_RECORD_IN_PARSING (quiet: NULL) when it is none."""
    try:
        return encoded(loaded(text))
    except _DuplicateError as error:
        if quiet:
            return None
        raise raised(
            "VARIANT_DUPLICATE_KEY", f"The key {error} stands twice in one object.", sqlstate="22023", key=str(error)
        ) from None
    except ValueError as error:
        if quiet:
            return None
        if "⟦" in str(error):
            raise
        raise raised(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", f"The text is no JSON: {text}", sqlstate="22023",
            badRecord=text, failFastMode="FAILFAST",
        ) from None  # fmt: skip


@by_row(VARIANT)
def variant_at(variant: Variant, path: str) -> Variant | None:
    """The part of a variant at a path; NULL when there is none."""
    if path_steps(path) is None:
        raise raised(
            "INVALID_VARIANT_GET_PATH", f"The path {path!r} of variant_get is malformed.", sqlstate="22023", path=path,
            functionName="`variant_get`",
        )  # fmt: skip
    value = _at(decoded(variant), path)
    return None if value is _NOTHING else encoded(value)


@by_row(pa.string())
def variant_text(variant: Variant) -> str | None:
    """The cast to STRING: a text bare, anything else as JSON; a null is NULL."""
    value = decoded(variant)
    return None if value is None else value if isinstance(value, str) else json_text(value)


@by_row(pa.string())
def variant_json(variant: Variant) -> str:
    return json_text(decoded(variant))


@by_row(pa.bool_(), strict=False)
def is_variant_null(variant: Variant | None) -> bool:
    return variant is not None and decoded(variant) is None


@by_row(pa.bool_())
def is_valid_variant(variant: Variant) -> bool:
    try:
        decoded(variant)
    except (ValueError, IndexError, struct.error):
        return False
    return True


@by_row(pa.string())
def schema_of_variant(variant: Variant) -> str:
    return kind_text(kind_of(decoded(variant)))


@by_row(pa.string())
def schema_of_variants(variants: list[Variant | None]) -> str:
    """The schema of all of them."""
    kind: Any = "VOID"
    for variant in variants:
        if variant is not None:
            kind = merged(kind, kind_of(decoded(variant)))
    return kind_text(kind)


@by_row(pa.list_(pa.struct([("g0", pa.int32()), ("g1", pa.string()), ("g2", VARIANT)])))
def variant_members(variant: Variant) -> list[dict[str, Any]] | None:
    """Positions, keys (NULL in an array) and values of an object's or array's members."""
    value = decoded(variant)
    pairs: Iterator[tuple[str | None, Any]]
    if isinstance(value, dict):
        pairs = iter(sorted(value.items()))
    elif isinstance(value, list):
        pairs = ((None, member) for member in value)
    else:
        return None
    return [{"g0": i, "g1": key, "g2": encoded(member)} for i, (key, member) in enumerate(pairs)]


@by_row(VARIANT)
def variant_field(variant: Variant, name: str) -> Variant | None:
    """A member of an object by its name."""
    value = decoded(variant).get(name, _NOTHING)
    return None if value is _NOTHING else encoded(value)


@by_row(VARIANT)
def variant_shaped(variant: Variant, shape: str, target: str, quiet: bool) -> Variant | None:
    """The variant itself when it is an array or an object, as `shape` says; a null is NULL."""
    value = decoded(variant)
    if value is None or isinstance(value, list if shape == "array" else dict):
        return None if value is None else variant
    if quiet:
        return None
    raise _no_cast(value, target)


def _no_cast(value: Any, target: str) -> ValueError:
    shown = json_text(value)
    return raised(
        "INVALID_VARIANT_CAST", f"The variant {shown} cannot be cast to {target.upper()}.", sqlstate="22023",
        value=shown, dataType=f'"{target.upper()}"',
    )  # fmt: skip


_RANGES = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}


@by_row(pa.string())
def variant_scalar(variant: Variant, target: str, quiet: bool) -> str | None:
    """The cast to a number or boolean, as text; INVALID_VARIANT_CAST (quiet: NULL) when there is none."""
    value = decoded(variant)
    if value is None:
        return None
    try:
        return _scalar(value, target)
    except (ValueError, OverflowError, ArithmeticError):
        if quiet:
            return None
        raise _no_cast(value, target) from None


def _scalar(value: Any, target: str) -> str:
    if isinstance(value, (dict, list)):
        raise ValueError("not a scalar")
    if target == "boolean":
        if isinstance(value, str):
            return {
                "true": "true",
                "t": "true",
                "yes": "true",
                "y": "true",
                "1": "true",
                "false": "false",
                "f": "false",
                "no": "false",
                "n": "false",
                "0": "false",
            }.get(value.strip().lower()) or _fail()
        return str(value != 0).lower()
    if target in _OTHERS or target.startswith("decimal"):
        return _OTHERS.get(target, _number)(value)
    if isinstance(value, (Days, Instant, LocalInstant, bytes)):
        raise ValueError("no number")
    if target in _RANGES:
        if isinstance(value, str) and not re.fullmatch(r"\s*[+-]?\d+\s*", value):
            raise ValueError("no integer")
        whole = int(value)
        return str(whole) if -(1 << _RANGES[target]) <= whole < 1 << _RANGES[target] else _fail()
    return repr(float(value))


_DATE = re.compile(r"\s*(\d{4}-\d\d?-\d\d?)\s*")
_MOMENT = re.compile(r"\s*\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?\s*")


def _number(value: Any) -> str:
    """As a decimal."""
    if isinstance(value, (Days, Instant, LocalInstant, bytes)):
        raise ValueError("no number")
    return str(int(value) if isinstance(value, bool) else Decimal(value.strip() if isinstance(value, str) else value))


def _date(value: Any) -> str:
    if isinstance(value, Days):
        return scalar_text(value)
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else _fail()


def _moment(value: Any) -> str:
    """Text that DuckDB reads in the session's time zone, unless it names one."""
    if isinstance(value, (Days, Instant, LocalInstant)):
        return scalar_text(value)
    return value.strip() if isinstance(value, str) and _MOMENT.fullmatch(value) else _fail()


def _bytes(value: Any) -> str:
    """In hexadecimal."""
    if not isinstance(value, (bytes, str)):
        raise ValueError("no bytes")
    return (value.encode() if isinstance(value, str) else value).hex()


_OTHERS: dict[str, Callable[[Any], str]] = {
    "date": _date, "timestamp": _moment, "timestamp_ntz": _moment, "binary": _bytes,
}  # fmt: skip


def _fail() -> str:
    raise ValueError("no such value")
