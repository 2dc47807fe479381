"""DEFAULT values of columns: what may be one, what stands for DEFAULT in an INSERT, and for columns left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.analysis.kinds import is_deterministic
from penstock.connect.catalog import quoted
from penstock.connect.pipeline import resolve, run
from penstock.connect.tables import Table
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.core.text import texts, zone
from penstock.functions.coercion import is_numeric, is_string, same_type
from penstock.functions.type_names import quoted_type
from penstock.plan.cast_rules import can_up_cast
from penstock.plan.expressions import Alias, Cast, Expression, Literal, SubqueryExpression, UnresolvedAttribute
from penstock.plan.nodes import Node, OneRow, Project, Values
from penstock.plan.types import (
    NULL,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    ShortType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sql import parse_expression
from penstock.sql.columns import CURRENT_DEFAULT

if TYPE_CHECKING:
    from penstock.connect.session import Session

_INTEGERS = (ByteType, ShortType, IntegerType, LongType)


def _is_stored(data_type: DataType) -> bool:
    """Whether a column of older files can have a value of this type: one that its text gives back."""
    return is_numeric(data_type) or is_string(data_type) or isinstance(data_type, (BooleanType, DateType))


def defaults_of(schema: StructType) -> list[tuple[StructField, str]]:
    """The columns that have a default, and its text."""
    return [(f, f.metadata[CURRENT_DEFAULT]) for f in schema.fields if CURRENT_DEFAULT in (f.metadata or {})]


def check(session: Session, fields: Sequence[StructField], statement: str) -> None:
    """Raises INVALID_DEFAULT_VALUE for a default that is no constant of the column's type, and what computing it
    raises."""
    for field, text in defaults_of(StructType(list(fields))):
        shown = {"statement": statement, "colName": f"`{field.name}`", "defaultValue": text}
        value = _resolved(session, text, shown)
        if not _fits(session, value, field, text, statement != "ALTER TABLE ALTER COLUMN"):
            message = f"The default {text} of the column `{field.name}` has the type {quoted_type(value.type)}."
            types = {"expectedType": quoted_type(field.dataType), "actualType": quoted_type(value.type)}
            raise analysis_error("INVALID_DEFAULT_VALUE.DATA_TYPE", message, "42623", **shown, **types)
        if not is_deterministic(value):
            message = f"The default {text} is not the same each time: a default is a constant."
            raise analysis_error("INVALID_DEFAULT_VALUE.NON_DETERMINISTIC", message, "42623", **shown)
        _value(session, field, text)


def _resolved(session: Session, text: str, shown: dict[str, str]) -> Expression:
    expression = _parsed(session, text)
    if any(isinstance(e, SubqueryExpression) for e in expression.walk()):
        message = f"The default {text} has a subquery: a default is a constant."
        raise analysis_error("INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION", message, "42623", **shown)
    try:
        plan = resolve(session, Project((Alias(expression, ("value",)),), OneRow()))
    except SparkError as error:
        if not error.condition.startswith("UNRESOLVED_COLUMN"):
            raise
        raise _not_constant(text, shown) from None
    if not isinstance(plan, Project) or not isinstance(plan.expressions[0], Alias):
        raise _not_constant(text, shown)
    return plan.expressions[0].child


def _not_constant(text: str, shown: dict[str, str]) -> SparkError:
    message = f"The default {text} names a column: a default is a constant."
    return analysis_error("INVALID_DEFAULT_VALUE.NOT_CONSTANT", message, "42623", **shown)


def _fits(session: Session, value: Expression, field: StructField, text: str, folds: bool) -> bool:
    """What widens without loss, and constants that can be cast; `folds`: operators over constants are constants (in
    ALTER COLUMN only those of integers are)."""
    source, target = value.type, field.dataType
    if same_type(source, target) or source == NULL or can_up_cast(source, target):
        return True
    integers = isinstance(source, _INTEGERS) and isinstance(target, _INTEGERS)
    constant_here = isinstance(value, Literal) or (is_deterministic(value) and (folds or integers))
    return constant_here and _is_assigned(source, target) and _holds(session, text, field)


def _is_assigned(source: DataType, target: DataType) -> bool:
    """Whether constants of a type are taken for columns of another one, where they can be cast."""
    if is_string(source) and isinstance(target, (DateType, TimestampType, TimestampNTZType)):
        return True
    return (is_numeric(source) or is_string(source)) and is_numeric(target)


def _holds(session: Session, text: str, field: StructField) -> bool:
    """Whether the column's type has the value."""
    tried = Alias(Cast(_parsed(session, text), field.dataType, "try"), ("value",))
    table = run(session, resolve(session, Project((tried,), OneRow()))).table
    return table.column(0)[0].as_py() is not None


def _parsed(session: Session, text: str) -> Expression:
    return parse_expression(text, time_zone=session.conf.get("spark.sql.session.timeZone") or "UTC")


def default(session: Session, field: StructField) -> Expression:
    """What stands for a column that is not given: unresolved."""
    text = (field.metadata or {}).get(CURRENT_DEFAULT)
    return Literal(None, NULL) if text is None else Cast(_parsed(session, text), field.dataType)


def constant(session: Session, expression: Expression) -> Expression:
    """A resolved expression that names no columns."""
    plan = resolve(session, Project((Alias(expression, ("value",)),), OneRow()))
    found = plan.expressions[0] if isinstance(plan, Project) else expression
    return found.child if isinstance(found, Alias) else found


def _value(session: Session, field: StructField, text: str) -> str | None:
    """The value of a default as of now, as text."""
    wanted = Alias(Cast(_parsed(session, text), field.dataType), ("value",))
    table = run(session, resolve(session, Project((wanted,), OneRow()))).table
    if _is_stored(field.dataType):
        return texts(table.column(0), field.dataType, zone("UTC"))[0]
    return None if table.column(0)[0].as_py() is None else ""


def stored(session: Session, fields: Sequence[StructField]) -> tuple[tuple[str, str], ...]:
    """What stands for new columns in rows that are there: their names in lower case and texts of the values."""
    found = []
    for field, text in defaults_of(StructType(list(fields))):
        value = _value(session, field, text)
        if value is None:
            continue
        if not _is_stored(field.dataType):
            what = f"ALTER TABLE ... ADD COLUMNS with a DEFAULT of the type {quoted_type(field.dataType)}"
            raise unsupported(what, "Add the column without DEFAULT, and set the default with ALTER COLUMN.")
        found.append((field.name.lower(), value))
    return tuple(found)


# ---------------------------------------------------------------- INSERT


def with_defaults(session: Session, plan: Node, fields: Sequence[StructField]) -> Node:
    """A query with the defaults of the columns that it is written to in the places of the word DEFAULT."""
    if isinstance(plan, Values):
        rows = tuple(tuple(_substituted(session, row, fields)) for row in plan.rows)
        return replace(plan, rows=rows)
    if (
        isinstance(plan, Project)
        and any(_is_default(e) for e in plan.expressions)
        and not _names_a_column(session, plan)
    ):
        return replace(plan, expressions=tuple(_substituted(session, plan.expressions, fields)))
    return plan


def _names_a_column(session: Session, plan: Project) -> bool:
    """Whether what is selected from has a column called `default`: then that is meant."""
    if isinstance(plan.child, OneRow):
        return False
    try:
        resolve(session, Project((UnresolvedAttribute(("default",)),), plan.child))
    except SparkError as error:
        if error.condition.startswith("UNRESOLVED_COLUMN"):
            return False
        raise
    return True


def _substituted(session: Session, row: Sequence[Expression], fields: Sequence[StructField]) -> list[Expression]:
    found = []
    for i, expression in enumerate(row):
        if _is_default(expression) and i < len(fields):
            expression = default(session, fields[i])
        elif any(_is_default(e) for e in expression.walk()):
            message = "DEFAULT stands alone in a column's place: no expression may hold it."
            raise analysis_error("DEFAULT_PLACEMENT_INVALID", message, "42608")
        found.append(expression)
    return found


def _is_default(expression: Expression) -> bool:
    return isinstance(expression, UnresolvedAttribute) and [part.lower() for part in expression.parts] == ["default"]


def given_fields(table: Table, columns: Sequence[str]) -> list[StructField]:
    """The table's columns that an INSERT lists.  Raises UNRESOLVED_COLUMN, COLUMN_ALREADY_EXISTS."""
    by_name = {f.name.lower(): f for f in table.schema.fields}
    for i, name in enumerate(columns):
        if name.lower() not in by_name:
            raise unknown_column(table, (name,))
        if name.lower() in [other.lower() for other in columns[:i]]:
            raise column_exists(name)
    return [by_name[name.lower()] for name in columns]


def unknown_column(table: Table, parts: tuple[str, ...]) -> SparkError:
    """UNRESOLVED_COLUMN.WITH_SUGGESTION."""
    proposal = ", ".join(f"`{name}`" for name in table.schema.names)
    message = f"The table {quoted(table.full_name)} has no column {quoted(parts)}. It has {proposal}."
    shown = {"objectName": quoted(parts), "proposal": proposal}
    return analysis_error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message, "42703", **shown)


def column_exists(name: str) -> SparkError:
    """COLUMN_ALREADY_EXISTS."""
    shown = f"`{name.lower()}`"
    return analysis_error("COLUMN_ALREADY_EXISTS", f"There is a column {shown} already.", "42711", columnName=shown)
