"""The schema of XML records by Spark's rules, from their events."""

from __future__ import annotations

from penstock.plan.types import (
    DOUBLE,
    LONG,
    NULL,
    STRING,
    ArrayType,
    DataType,
    DecimalType,
    NullType,
    StructField,
    StructType,
)
from penstock.sources.records.errors import BadValue, Malformed
from penstock.sources.records.infer_text import XmlGuess, canonical, wider_time
from penstock.sources.records.xml_text import END, OVER, START, TEXT, Events, XmlSyntax

_SPACES = "".join(map(chr, range(33)))


class XmlSchema:
    """Types of records."""

    def __init__(self, syntax: XmlSyntax, guess: XmlGuess) -> None:
        self._syntax, self._guess = syntax, guess

    def type_of(self, text: str) -> DataType:
        """The type of one record.  Malformed."""
        events = Events(text)
        while events.peek()[0] != START:
            if events.next()[0] == OVER:
                raise Malformed
        return self._object(events, self._syntax.attributes(events.next()[2]))

    def _object(self, events: Events, attributes: dict[str, str | None]) -> StructType:
        kinds: dict[str, tuple[str, DataType]] = {}
        for name, text in attributes.items():
            self._add(kinds, name, self._guess.type_of(text))
        while True:
            kind, data, pairs = events.next()
            if kind == START:
                inside = self._syntax.attributes(pairs)
                self._add(kinds, self._syntax.name(data), self._with(self._field(events), inside))
            elif kind == TEXT and data.strip(_SPACES):
                self._add(kinds, self._syntax.value_tag, self._guess.type_of(data))
            elif kind in (END, OVER):
                fields = [StructField(name, t, True) for name, t in kinds.values()]
                return StructType(sorted(fields, key=lambda f: f.name))

    def _with(self, t: DataType, attributes: dict[str, str | None]) -> DataType:
        if not attributes:
            return t
        fields = list(t.fields) if isinstance(t, StructType) else []
        if not isinstance(t, (StructType, NullType)):
            fields = [StructField(self._syntax.value_tag, t, True)]
        fields += [StructField(name, self._guess.type_of(text), True) for name, text in attributes.items()]
        return StructType(sorted(fields, key=lambda f: f.name))

    def _field(self, events: Events) -> DataType:
        kind = events.peek()[0]
        if kind == END:
            events.next()
            return NULL
        if kind not in (START, TEXT):
            raise BadValue
        found = self._object(events, {})
        if kind == START:
            return found
        if not found.fields:
            return NULL
        only = found.fields[0]
        if (
            len(found.fields) == 1
            and only.name == self._syntax.value_tag
            and not isinstance(only.dataType, (StructType, ArrayType))
        ):
            return only.dataType
        return found

    def _key(self, name: str) -> str:
        return name if self._syntax.case_sensitive else name.lower()

    def _add(self, kinds: dict[str, tuple[str, DataType]], name: str, t: DataType) -> None:
        key = self._key(name)
        if key not in kinds:
            kinds[key] = (name, t)
            return
        first, old = kinds[key]
        inner = self.compatible(old.elementType if isinstance(old, ArrayType) else old, t)
        kinds[key] = (first, ArrayType(inner, True))

    def compatible(self, a: DataType, b: DataType) -> DataType:
        """The type of values of both types: one value and many are many."""
        if a == b or isinstance(b, NullType):
            return a
        if isinstance(a, NullType):
            return b
        if isinstance(a, StructType) and isinstance(b, StructType):
            return self._merged(a, b)
        if isinstance(a, ArrayType) and isinstance(b, ArrayType):
            return ArrayType(self.compatible(a.elementType, b.elementType), a.containsNull or b.containsNull)
        for one, other in ((a, b), (b, a)):
            if isinstance(one, ArrayType):
                return ArrayType(self.compatible(one.elementType, other), True)
            if isinstance(one, StructType):
                return self._beside(one, other)
        return _scalar(a, b)

    def _beside(self, t: StructType, scalar: DataType) -> DataType:
        """A struct and a plain value: the value is the struct's text."""
        known = {f.name: f.dataType for f in t.fields}
        tag = self._syntax.value_tag
        kind = self.compatible(known[tag], scalar) if tag in known else scalar
        fields = [*(f for f in t.fields if f.name != tag), StructField(tag, kind, True)]
        return StructType(sorted(fields, key=lambda f: f.name))

    def _merged(self, a: StructType, b: StructType) -> StructType:
        kinds = {self._key(f.name): (f.name, f.dataType) for f in a.fields}
        for f in b.fields:
            key = self._key(f.name)
            kinds[key] = (
                (kinds[key][0], self.compatible(kinds[key][1], f.dataType)) if key in kinds else (f.name, f.dataType)
            )
        return StructType(sorted((StructField(name, t, True) for name, t in kinds.values()), key=lambda f: f.name))

    def canonical(self, t: DataType) -> DataType | None:
        """In Spark's canonical form: what was always NULL is STRING."""
        return canonical(t, STRING)


def _scalar(a: DataType, b: DataType) -> DataType:
    kinds = {type(a), type(b)}
    if kinds <= {type(LONG), type(DOUBLE), DecimalType}:
        if type(DOUBLE) in kinds:
            return DOUBLE
        left, right = (t if isinstance(t, DecimalType) else DecimalType(20, 0) for t in (a, b))
        scale = max(left.scale, right.scale)
        whole = max(left.precision - left.scale, right.precision - right.scale)
        return DOUBLE if whole + scale > 38 else DecimalType(whole + scale, scale)
    return wider_time(a, b) or STRING
