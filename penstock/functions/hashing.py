"""Digests, and the hashes of any columns: `hash` (Murmur3) and `xxhash64`, with Spark's values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.coercion import INTERVALS, is_string
from penstock.functions.errors import mismatch, wrong_count
from penstock.functions.literals import constant_value
from penstock.functions.markers import quote
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import (
    INTEGER,
    LONG,
    STRING,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_DIGESTS = {0: "sha256({0})", 224: "kernel_sha224({0})", 256: "sha256({0})", 384: "kernel_sha384({0})",
            512: "kernel_sha512({0})"}  # fmt: skip


def _sha2(args: list[str], call: FunctionCall, context: Any) -> str:
    bits = constant_value(call.args[1])
    if isinstance(bits, int):
        return _DIGESTS[bits].format(args[0]) if bits in _DIGESTS else "CAST(NULL AS VARCHAR)"
    cases = " ".join(f"WHEN {size} THEN {sql.format(args[0])}" for size, sql in _DIGESTS.items())
    return f"CASE {args[1]} {cases} END"


# ---------------------------------------------------------------- hash and xxhash64


@dataclass(frozen=True)
class _Hash:
    """Kernels `<prefix>_int`, `<prefix>_long`, `<prefix>_bytes` fold values into a hash of SQL type `kind`."""

    prefix: str
    kind: str

    def leaf(self, width: str, value: str, seed: str) -> str:
        return f"kernel_{self.prefix}_{width}({value}, {seed})"

    def value(self, sql: str, t: DataType, seed: str, depth: int = 0) -> str:
        """The hash of a value of type `t`, where `seed` is the hash of what came before it."""
        if isinstance(t, (BooleanType, ByteType, ShortType, IntegerType)):
            return self.leaf("int", f"CAST({sql} AS INTEGER)", seed)
        if isinstance(t, LongType):
            return self.leaf("long", sql, seed)
        if is_string(t) or isinstance(t, BinaryType):
            return self.leaf("bytes", sql if isinstance(t, BinaryType) else f"encode({sql})", seed)
        if isinstance(t, NullType):
            return seed
        if isinstance(t, (ArrayType, StructType)):
            return self._nested(sql, t, seed, depth)
        return self._other(sql, t, seed)

    def _other(self, sql: str, t: DataType, seed: str) -> str:
        if isinstance(t, FloatType):
            return self.leaf("int", f"kernel_float_bits({sql})", seed)
        if isinstance(t, DoubleType):
            return self.leaf("long", f"kernel_double_bits({sql})", seed)
        if isinstance(t, DateType):
            return self.leaf("int", f"CAST({sql} - DATE '1970-01-01' AS INTEGER)", seed)
        if isinstance(t, (TimestampType, TimestampNTZType)):
            return self.leaf("long", f"epoch_us({sql})", seed)
        if isinstance(t, INTERVALS):
            return self.leaf("long" if isinstance(t, DayTimeIntervalType) else "int", sql, seed)
        if isinstance(t, DecimalType):
            unscaled = f"replace(CAST({sql} AS VARCHAR), '.', '')"
            if t.precision <= 18:
                return self.leaf("long", f"CAST({unscaled} AS BIGINT)", seed)
            return self.leaf("bytes", f"kernel_decimal_bytes({unscaled})", seed)
        raise unsupported(f"{self.prefix} of the type {t.simpleString()}")

    def _nested(self, sql: str, t: DataType, seed: str, depth: int) -> str:
        """Elements, or fields, one after the other; a NULL leaves the hash as it is."""
        if isinstance(t, ArrayType):
            have, element = f"h{depth}_", f"x{depth}_"
            pairs = f"list_transform(coalesce({sql}, []), lambda y{depth}_: {{'v': y{depth}_, 'h': NULL::{self.kind}}})"
            start = f"{{'v': NULL, 'h': CAST({seed} AS {self.kind})}}"
            step = self.value(f"{element}.v", t.elementType, f"{have}.h", depth + 1)
            return f"(list_reduce({pairs}, lambda {have}, {element}: {{'v': {element}.v, 'h': {step}}}, {start}).h)"
        assert isinstance(t, StructType)
        for f in t.fields:
            seed = self.value(f"struct_extract({sql}, {quote(f.name)})", f.dataType, seed, depth)
        return seed

    def template(self, args: list[str], call: FunctionCall, context: Any) -> str:
        text = f"CAST(42 AS {self.kind})"
        for sql, arg in zip(args, call.args, strict=True):
            text = self.value(sql, arg.type, text)
        return text


def xxhash_sql(sql: str, t: DataType) -> str:
    """xxhash64 of one value with Spark's seed 42."""
    return _Hash("xxhash", "BIGINT").value(sql, t, "CAST(42 AS BIGINT)")


def _hashable(args: Args, request: Request) -> Args:
    if not args:
        raise wrong_count(request.name, 1, None, 0)
    if any(_has_map(arg.type) for arg in args):
        raise mismatch(
            "HASH_MAP_TYPE", request.name, args, "maps have no hash: equal maps may list their entries differently.",
            functionName=f"`{request.name}`",
        )  # fmt: skip
    return args


def _has_map(t: DataType) -> bool:
    if isinstance(t, ArrayType):
        return _has_map(t.elementType)
    return isinstance(t, MapType) or (isinstance(t, StructType) and any(_has_map(f.dataType) for f in t.fields))


def _hash_row(name: str, prefix: str, kind: DataType, sql_kind: str) -> Function:
    return row(name, "any*", kind, _Hash(prefix, sql_kind).template, coerce=_hashable, nullable=False)


register(
    row("md5", "binary", STRING, "md5({0})"),
    row("sha1 sha", "binary", STRING, "sha1({0})"),
    row("sha2", "binary int", STRING, _sha2, nullable=True),
    row("crc32", "binary", LONG, "kernel_crc32({0})"),
    _hash_row("hash", "hash", INTEGER, "INTEGER"),
    _hash_row("xxhash64", "xxhash", LONG, "BIGINT"),
)
