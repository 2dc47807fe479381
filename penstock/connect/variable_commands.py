"""Session variables (DECLARE, SET VARIABLE, DROP) and EXECUTE IMMEDIATE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from penstock.connect.catalog import quoted
from penstock.connect.encode import rows_result
from penstock.connect.pipeline import Result, resolve, run
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.plan.expressions import Alias, Cast, Expression, Literal, fresh_id
from penstock.plan.nodes import Node, OneRow, Project
from penstock.plan.types import ArrayType, CalendarIntervalType, DataType, MapType, StructType, VariantType
from penstock.sql import Arguments, parse_statement
from penstock.sql import statements as s

if TYPE_CHECKING:
    from penstock.connect.session import Session

_SEARCH_PATH = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"
_PLACES = ((), ("session",), ("system", "session"))
_UNKEPT = (ArrayType, MapType, StructType, CalendarIntervalType, VariantType)


def declare(session: Session, statement: s.DeclareVariables) -> Result:
    """DECLARE: a type or a value, or both."""
    for parts in statement.names:
        name, known = _own_name(parts), session.catalog.variables
        if name in known and not statement.replace:
            shown = f"`system`.`session`.`{name}`"
            message = f"There is a variable {shown} already. Choose another name, or use DECLARE OR REPLACE."
            raise analysis_error("VARIABLE_ALREADY_EXISTS", message, "42723", variableName=shown)
        known[name] = declared(session, statement)
    return _nothing()


def declared(session: Session, statement: s.DeclareVariables) -> Literal:
    """The first value of a variable."""
    return _evaluated(session, statement.value, statement.type)


def _own_name(parts: tuple[str, ...]) -> str:
    if tuple(part.lower() for part in parts[:-1]) not in _PLACES:
        message = f"A variable is declared in system.session, not as {quoted(parts)}."
        raise analysis_error("INVALID_VARIABLE_DECLARATION.QUALIFIED_LOCAL_VARIABLE", message, "42K0M",
                             varName=quoted(parts))  # fmt: skip
    return parts[-1].lower()


@dataclass(frozen=True)
class _Place:
    """Where a variable is kept."""

    variables: dict[str, Literal]
    name: str

    @property
    def type(self) -> DataType:
        return self.variables[self.name].type

    def put(self, value: Literal) -> None:
        self.variables[self.name] = value


def _variable(session: Session, parts: tuple[str, ...]) -> _Place:
    """A variable that is there; raises UNRESOLVED_VARIABLE."""
    variables = session.catalog.variable_place(parts)
    if variables is None:
        message = f"There is no variable {quoted(parts)}: declare it first."
        raise analysis_error(
            "UNRESOLVED_VARIABLE", message, "42883", variableName=quoted(parts), searchPath=_SEARCH_PATH
        )
    return _Place(variables, parts[-1].lower())


def set_variables(session: Session, statement: s.SetVariables) -> Result:
    """SET VARIABLE: one after the other; a later value may use an earlier variable."""
    places = [_variable(session, parts) for parts in statement.names]
    if statement.plan is not None:
        _put_row(session, resolve(session, statement.plan), places)
        return _nothing()
    for place, value in zip(places, statement.values, strict=True):
        place.put(_evaluated(session, value, place.type))
    return _nothing()


def _put_row(session: Session, plan: Node, places: list[_Place]) -> None:
    for place, value in zip(places, _row(session, plan, [place.type for place in places]), strict=True):
        place.put(value)


def _row(session: Session, plan: Node, types: list[DataType]) -> list[Literal]:
    """The only row of a query as variables' values; NULLs where there is none."""
    if len(plan.output) != len(types):
        raise analysis_error(
            "ASSIGNMENT_ARITY_MISMATCH", f"The query gives {len(plan.output)} columns for {len(types)} variables.",
            "42802", numTarget=len(types), numExpr=len(plan.output),
        )  # fmt: skip
    mode = "ansi" if session.conf.ansi else "legacy"
    casts = tuple(Alias(Cast(a, kind, mode), (a.name,), fresh_id()) for a, kind in zip(plan.output, types, strict=True))
    found = run(session, Project(casts, plan))
    if found.table.num_rows > 1:
        message = "The query for variables gave more than one row."
        raise SparkError("ROW_SUBQUERY_TOO_MANY_ROWS", message, {}, sqlstate="21000")
    if not found.table.num_rows:
        return [Literal(None, kind) for kind in types]
    return [Literal(_value(found.table.column(i)), kind) for i, kind in enumerate(types)]


def row_values(row: Result) -> list[Literal]:
    """The values of a result's only row."""
    kinds = [f.dataType for f in row.schema.fields]
    return [_kept(_value(row.table.column(i)), kind) for i, kind in enumerate(kinds)]


def _kept(value: Any, kind: DataType) -> Literal:
    if isinstance(kind, _UNKEPT):
        raise unsupported(f"a variable of the type {kind.simpleString()}")
    return Literal(value, kind)


def _evaluated(session: Session, value: Expression, kind: DataType | None) -> Literal:
    cast = value if kind is None else Cast(value, kind)
    found = run(session, resolve(session, Project((Alias(cast, ("value",)),), OneRow())))
    return _kept(_value(found.table.column(0)), found.schema[0].dataType)


def _value(column: pa.ChunkedArray) -> Any:
    """As literals hold it: days, microseconds, months as integers."""
    kind = column.type
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time64(kind):
        column = column.cast(pa.int64())
    return column[0].as_py()


def drop(session: Session, statement: s.DropVariable) -> Result:
    """DROP TEMPORARY VARIABLE."""
    name = _own_name(statement.name)
    if session.catalog.variables.pop(name, None) is None and not statement.if_exists:
        shown = f"`system`.`session`.`{name}`"
        raise analysis_error("VARIABLE_NOT_FOUND", f"There is no variable {shown}.", "42883", variableName=shown)
    return _nothing()


def execute_immediate(session: Session, statement: s.ExecuteImmediate) -> Result:
    """EXECUTE IMMEDIATE: the rows of a query, at once; INTO puts its only row into variables."""
    from penstock.connect.sql_commands import run_command

    text = _evaluated(session, statement.text, None).value
    if text is None:
        message = "EXECUTE IMMEDIATE needs a text, not NULL."
        raise analysis_error("NULL_QUERY_STRING_EXECUTE_IMMEDIATE", message, "22004", varName="")
    args = _arguments(session, statement.args)
    inner = parse_statement(text, args, time_zone=session.time_zone, variable=session.catalog.variable)
    if isinstance(inner, s.ExecuteImmediate):
        message = "EXECUTE IMMEDIATE does not run EXECUTE IMMEDIATE."
        raise analysis_error("NESTED_EXECUTE_IMMEDIATE", message, "07501", sqlString=str(text))
    if not isinstance(inner, s.Query):
        if statement.into:
            message = "INTO takes the row of a query."
            raise analysis_error("INVALID_STATEMENT_FOR_EXECUTE_INTO", message, "07501", sqlString=str(text))
        return run_command(session, inner)
    plan = resolve(session, inner.plan)
    if not statement.into:
        return run(session, plan)
    _put_row(session, plan, [_variable(session, parts) for parts in statement.into])
    return _nothing()


def _arguments(session: Session, args: tuple[Expression, ...]) -> Arguments:
    """By name where they have names, else by place."""
    values = [_evaluated(session, arg.child if isinstance(arg, Alias) else arg, None) for arg in args]
    names = [_argument_name(arg) for arg in args]
    if any(name is not None for name in names):
        return {name: value for name, value in zip(names, values, strict=True) if name is not None}
    return values


def _argument_name(arg: Expression) -> str | None:
    return arg.name if isinstance(arg, Alias) else None


def _nothing() -> Result:
    return rows_result(StructType(), [])
