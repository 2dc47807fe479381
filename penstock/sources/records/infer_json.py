"""The schema of JSON records by Spark's rules, from their trees."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.core.active_conf import timestamps_are_local
from penstock.core.errors import analysis_error
from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    DataType,
    DecimalType,
    NullType,
    StructField,
    StructType,
)
from penstock.sources import options as opt
from penstock.sources.records import values
from penstock.sources.records.errors import BadValue, Malformed
from penstock.sources.records.infer_text import canonical, fits
from penstock.sources.records.json_text import Fraction, JsonObject, Whole
from penstock.sources.records.times import Times


class JsonGuess:
    """Types of trees, with the options primitivesAsString, prefersDecimal, inferTimestamp and dropFieldIfAllNull."""

    def __init__(self, options: Mapping[str, str], times: Times) -> None:
        self._texts = opt.boolean(options, "primitivesAsString", False)
        self._decimals = opt.boolean(options, "prefersDecimal", False)
        self._timestamps = opt.boolean(options, "inferTimestamp", False)
        self._drop = opt.boolean(options, "dropFieldIfAllNull", False)
        self._times = times
        self._local_kind = TIMESTAMP_NTZ if timestamps_are_local() else TIMESTAMP

    def type_of(self, tree: Any) -> DataType:
        """Before merging and canonical form: NULL where nothing is known."""
        if isinstance(tree, JsonObject):
            fields = [StructField(name, self.type_of(value), True) for name, value in tree.pairs]
            return StructType(sorted(fields, key=lambda f: f.name.encode("utf-16-be", "surrogatepass")))
        if isinstance(tree, list):
            kind: DataType = NULL
            for element in tree:
                kind = compatible(kind, self.type_of(element))
            return ArrayType(kind, True)
        if tree is None or tree == "":
            return NULL
        if isinstance(tree, (Whole, Fraction, bool)):
            return STRING if self._texts else BOOLEAN if isinstance(tree, bool) else self._number(tree)
        return self._text(tree)

    def _number(self, text: str) -> DataType:
        if isinstance(text, Whole):
            return LONG if -(1 << 63) <= int(text) < 1 << 63 else _decimal(Decimal(text))
        if not self._decimals:
            return DOUBLE
        if not text[-1:].isdigit():
            raise Malformed
        return _decimal(Decimal(text))

    def _text(self, text: str) -> DataType:
        if self._decimals:
            try:
                return _decimal(values.big_decimal(text.replace(",", "")), only_if_fits=True)
            except BadValue:
                pass
        if self._timestamps and fits(self._times.local_timestamp, text):
            return self._local_kind
        return TIMESTAMP if self._timestamps and fits(self._times.timestamp, text) else STRING

    def canonical(self, t: DataType) -> DataType | None:
        """In Spark's canonical form."""
        return canonical(t, None if self._drop else STRING)


def _decimal(value: Decimal, *, only_if_fits: bool = False) -> DataType:
    parts = value.as_tuple()
    scale = -int(parts.exponent)
    precision = max(len(parts.digits), scale)
    if scale < 0:
        message = f"The number {value} would be a decimal of the scale {scale}: leave prefersDecimal out."
        raise analysis_error("NEGATIVE_SCALE_DISALLOWED", message, "0A000", scale=f"'{scale}'",
                             sqlConf='"spark.sql.legacy.allowNegativeScaleOfDecimal"')  # fmt: skip
    if precision <= 38:
        return DecimalType(precision, scale)
    if only_if_fits:
        raise BadValue
    return DOUBLE


def compatible(a: DataType, b: DataType) -> DataType:
    """The type of values of both types; STRING when nothing else is."""
    if a == b or isinstance(b, NullType):
        return a
    if isinstance(a, NullType):
        return b
    if isinstance(a, ArrayType) and isinstance(b, ArrayType):
        return ArrayType(compatible(a.elementType, b.elementType), a.containsNull or b.containsNull)
    if isinstance(a, StructType) and isinstance(b, StructType):
        return merged(a, b)
    numbers = (type(LONG), type(DOUBLE), DecimalType)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return _number(a, b)
    return TIMESTAMP if {a, b} == {TIMESTAMP, TIMESTAMP_NTZ} else STRING


def merged(a: StructType, b: StructType) -> StructType:
    """Both structs' fields, by name."""
    kinds = {f.name: f.dataType for f in a.fields}
    for f in b.fields:
        kinds[f.name] = compatible(kinds[f.name], f.dataType) if f.name in kinds else f.dataType
    names = sorted(kinds, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return StructType([StructField(name, kinds[name], True) for name in names])


def _number(a: DataType, b: DataType) -> DataType:
    if DOUBLE in (a, b):
        return DOUBLE
    left, right = (t if isinstance(t, DecimalType) else DecimalType(20, 0) for t in (a, b))
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return DOUBLE if whole + scale > 38 else DecimalType(whole + scale, scale)


class Merging:
    """Merges the types of records one by one; what is no object adds the column for corrupt records."""

    def __init__(self, corrupt: str, mode: str) -> None:
        self._corrupt, self._mode = corrupt, mode
        self.found: DataType | None = None

    def add(self, t: DataType) -> None:
        """One record's type."""
        self.found = t if self.found is None else self._root(self.found, t)

    def _root(self, a: DataType, b: DataType) -> DataType:
        if isinstance(a, ArrayType):
            return self._root(a.elementType, b)
        if isinstance(b, ArrayType):
            return self._root(a, b.elementType)
        for one, other in ((a, b), (b, a)):
            if isinstance(one, StructType):
                if isinstance(other, NullType):
                    return one
                if not isinstance(other, StructType):
                    return self._with_corrupt(one)
        return compatible(a, b)

    def _with_corrupt(self, t: StructType) -> StructType:
        if self._mode == "dropmalformed" or self._corrupt in t.names:
            return t
        return merged(t, StructType([StructField(self._corrupt, STRING, True)]))

    def result(self) -> DataType:
        """All of them, merged with an object without fields."""
        return self._root(StructType([]), self.found) if self.found is not None else StructType([])
