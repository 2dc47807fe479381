"""CREATE FUNCTION and its kin: functions that SQL text defines, of a session (temporary) or of a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.connect.catalog import quoted
from penstock.connect.encode import rows_result
from penstock.connect.pipeline import Result, resolve
from penstock.connect.tables import CATALOG
from penstock.core.errors import analysis_error, unsupported
from penstock.plan.expressions import Alias, Cast, Literal
from penstock.plan.nodes import OneRow, Project
from penstock.plan.sql_functions import JavaFunction, SqlFunction, UserFunction
from penstock.plan.types import NULL, STRING, StructField, StructType
from penstock.sql import statements as s

if TYPE_CHECKING:
    from penstock.connect.session import Session

_DESCRIPTION = StructType([StructField("function_desc", STRING, False)])
_SEARCH_PATH = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"


def create_function(session: Session, statement: s.CreateFunction) -> Result:
    """CREATE FUNCTION.  Raises ROUTINE_ALREADY_EXISTS, CANNOT_LOAD_FUNCTION_CLASS."""
    catalog, function, parts = session.catalog, statement.function, statement.name
    if isinstance(function, SqlFunction) and function.returns is None and function.columns is None:
        function = _with_result(session, function)
    if statement.temporary:
        if isinstance(function, JavaFunction):
            raise class_not_loaded(function)
        if len(parts) > 1:
            message = f"A temporary function has a name of one part, not {quoted(parts)}."
            raise analysis_error("INVALID_TEMP_OBJ_QUALIFIER", message, "42602", objectName=quoted(parts))
        known = parts[-1].lower() in catalog.sql_functions
        if not (known and statement.if_not_exists):
            _refuse_known(known and not statement.replace, parts)
            catalog.sql_functions[parts[-1].lower()] = function
        return _nothing()
    key = catalog.function_key(parts)
    catalog.tables.database(key[0], session.conf)
    known = key in catalog.tables.functions
    if not (known and statement.if_not_exists):
        _refuse_known(known and not statement.replace, key)
        catalog.tables.functions[key] = replace(function, full_name=(CATALOG, *key))
    return _nothing()


def _with_result(session: Session, function: SqlFunction) -> SqlFunction:
    """The function with the type of its body, which is analysed for that."""
    from penstock.analysis.sql_functions import inlined_query, inlined_value

    args = tuple(Cast(Literal(None, NULL), parameter.type) for parameter in function.parameters)
    if function.query is not None:
        return replace(function, columns=resolve(session, inlined_query(function, args)).schema)
    body = Alias(inlined_value(function, args), ("value",))
    return replace(function, returns=resolve(session, Project((body,), OneRow())).schema[0].dataType)


def class_not_loaded(function: JavaFunction) -> Exception:
    """CANNOT_LOAD_FUNCTION_CLASS: there is no JVM."""
    message = f"The class {function.class_name} of the function `{function.name}` cannot be loaded: there is no JVM."
    return analysis_error(
        "CANNOT_LOAD_FUNCTION_CLASS", message, "46103", className=function.class_name,
        functionName=quoted(function.parts),
    )  # fmt: skip


def _refuse_known(known: bool, parts: tuple[str, ...]) -> None:
    if known:
        name = quoted(parts)
        message = f"There is a function {name} already. Choose another name, or use CREATE OR REPLACE."
        raise analysis_error(
            "ROUTINE_ALREADY_EXISTS", message, "42723", routineName=name, newRoutineType="routine",
            existingRoutineType="routine",
        )  # fmt: skip


def drop_function(session: Session, statement: s.DropFunction) -> Result:
    """DROP FUNCTION.  Raises ROUTINE_NOT_FOUND."""
    catalog, name = session.catalog, statement.name[-1].lower()
    if statement.temporary:
        found: object = catalog.sql_functions.pop(name, None) or catalog.functions.pop(name, None)
    else:
        found = catalog.tables.functions.pop(catalog.function_key(statement.name), None)
    if found is None and not statement.if_exists:
        shown = quoted(statement.name if statement.temporary else catalog.function_key(statement.name))
        raise analysis_error("ROUTINE_NOT_FOUND", f"There is no function {shown}.", "42883", routineName=shown)
    return _nothing()


def describe_function(session: Session, statement: s.DescribeFunction) -> Result:
    """DESCRIBE FUNCTION: name, class or signature; the text of built-in functions is not there."""
    from penstock.functions import names

    name = statement.name[-1].lower()
    function = session.catalog.sql_function(".".join(statement.name))
    if function is None and name not in names() and name not in session.catalog.functions:
        raise analysis_error(
            "UNRESOLVED_ROUTINE", f"There is no function {quoted(statement.name)}.", "42883",
            routineName=quoted(statement.name), searchPath=_SEARCH_PATH,
        )  # fmt: skip
    if function is None:
        lines = [f"Function: {name}", "Usage: N/A.", *(["Extended Usage:\n    N/A.\n"] if statement.extended else [])]
    elif statement.extended and isinstance(function, SqlFunction):
        raise unsupported("DESCRIBE FUNCTION EXTENDED of a function that SQL defined", "Leave EXTENDED out.")
    else:
        lines = _described(session, function, statement.name)
    return rows_result(_DESCRIPTION, [(line,) for line in lines])


def _described(session: Session, function: UserFunction, parts: tuple[str, ...]) -> list[str]:
    temporary = session.catalog.sql_functions.get(parts[-1].lower()) is function
    full = function.name if temporary else ".".join((CATALOG, *session.catalog.function_key(parts)))
    if isinstance(function, JavaFunction):
        return [f"Function: {full}", f"Class: {function.class_name}", "Usage: N/A."]
    return [f"Function: {full}", *_signature(function)]


def _signature(function: SqlFunction) -> list[str]:
    kind = "TABLE" if function.query is not None else "SCALAR"
    inputs = [f"{p.name} {p.type.simpleString().upper()}" for p in function.parameters] or ["()"]
    lines = [f"Type:     {kind}"]
    lines += [f"{'Input:    ' if i == 0 else '          '}{text}" for i, text in enumerate(inputs)]
    if function.returns is not None:
        lines.append(f"Returns:  {function.returns.simpleString().upper()}")
    for i, f in enumerate(function.columns or ()):
        lines.append(f"{'Returns:  ' if i == 0 else '          '}{f.name} {f.dataType.simpleString().upper()}")
    return lines


def _nothing() -> Result:
    return rows_result(StructType(), [])
