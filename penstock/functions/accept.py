"""What an argument of a function accepts, and what it is implicitly cast to when it is something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penstock.core.config import Conf
from penstock.functions import decimals
from penstock.functions.coercion import INTERVALS, can_store, is_atomic, is_integral, is_numeric, is_string
from penstock.plan.expressions import Expression
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    NULL,
    SHORT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
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
    YearMonthIntervalType,
)  # fmt: skip


@dataclass(frozen=True)
class Accept:
    """One kind of argument: `name` as error messages show it, the test, and the default target of a cast."""

    name: str
    test: Callable[[DataType], bool]
    target: DataType | None = None
    choices: tuple[Accept, ...] = ()
    optional: bool = False
    repeated: bool = False

    def convert(self, e: Expression, conf: Conf) -> DataType | None:
        """The type that `e` must be cast to (its own when accepted), or None when there is no implicit cast."""
        t = e.type
        if self.test(t):
            return t
        if self.choices:
            found = [c for c in (choice.convert(e, conf) for choice in self.choices) if c is not None]
            return found[0] if found else None
        return self._implicit(t, e, conf)

    def _implicit(self, t: DataType, e: Expression, conf: Conf) -> DataType | None:
        if self.target is None:
            return None
        if self.name == "DECIMAL":
            return decimals.for_type(t) or (self.target if isinstance(t, NullType) or is_string(t) else None)
        if self.name in ("ARRAY", "MAP"):
            return self.target if isinstance(t, NullType) else None
        if self.name == "INTEGRAL" and (is_numeric(t) or is_string(t)):
            return None
        if self.name == "BOOLEAN" and is_string(t) and not conf.ansi:
            return None
        if isinstance(t, NullType) or (is_string(t) and is_atomic(self.target)):
            return DOUBLE if self.name == "NUMERIC" else self.target
        return self.target if can_store(t, self.target) else None


def _is(*classes: type) -> Callable[[DataType], bool]:
    return lambda t: isinstance(t, classes)


_KINDS = {
    "any": Accept("ANY", lambda t: True),
    "string": Accept("STRING", is_string, STRING),
    "binary": Accept("BINARY", _is(BinaryType), BINARY),
    "boolean": Accept("BOOLEAN", _is(BooleanType), BOOLEAN),
    "byte": Accept("TINYINT", _is(ByteType), BYTE),
    "short": Accept("SMALLINT", _is(ShortType), SHORT),
    "int": Accept("INT", _is(IntegerType), INTEGER),
    "long": Accept("BIGINT", _is(LongType), LONG),
    "float": Accept("FLOAT", _is(FloatType), FLOAT),
    "double": Accept("DOUBLE", _is(DoubleType), DOUBLE),
    "decimal": Accept("DECIMAL", _is(DecimalType), DecimalType(38, 18)),
    "numeric": Accept("NUMERIC", is_numeric, DOUBLE),
    "integral": Accept("INTEGRAL", is_integral, INTEGER),
    "date": Accept("DATE", _is(DateType), DATE),
    "timestamp": Accept("TIMESTAMP", _is(TimestampType), TIMESTAMP),
    "ntz": Accept("TIMESTAMP_NTZ", _is(TimestampNTZType), TIMESTAMP_NTZ),
    "anytime": Accept("(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)", _is(TimestampType, TimestampNTZType), TIMESTAMP),
    "array": Accept("ARRAY", _is(ArrayType), ArrayType(NULL)),
    "map": Accept("MAP", _is(MapType), MapType(NULL, NULL)),
    "struct": Accept("STRUCT", _is(StructType), None),
    "interval": Accept("(INTERVAL DAY TO SECOND or INTERVAL YEAR TO MONTH)", _is(*INTERVALS)),
    "dtinterval": Accept("INTERVAL DAY TO SECOND", _is(DayTimeIntervalType), DayTimeIntervalType()),
    "yminterval": Accept("INTERVAL YEAR TO MONTH", _is(YearMonthIntervalType), YearMonthIntervalType()),
    "strings": Accept("ARRAY<STRING>", lambda t: isinstance(t, ArrayType) and is_string(t.elementType),
                      ArrayType(STRING)),
    "lambda": Accept("LAMBDA", lambda t: True),
}  # fmt: skip


def accepts(spec: str) -> Accept:
    """Parse one spec: `int`, `string|binary`, `int?` (optional), `any*` (any number of them)."""
    optional, repeated = spec.endswith("?"), spec.endswith("*")
    kinds = [_KINDS[word] for word in spec.rstrip("?*").split("|")]
    if len(kinds) == 1:
        base = kinds[0]
        return Accept(base.name, base.test, base.target, (), optional, repeated)
    name = "(" + " or ".join(f'"{kind.name}"' for kind in kinds) + ")"
    return Accept(name, lambda t: any(kind.test(t) for kind in kinds), None, tuple(kinds), optional, repeated)


def arity_of(takes: tuple[Accept, ...]) -> tuple[int, int | None]:
    """Fewest and most arguments (None: no limit)."""
    least = sum(not (a.optional or a.repeated) for a in takes)
    return least, None if any(a.repeated for a in takes) else len(takes)
