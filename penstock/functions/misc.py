"""Casts by function name, facts about the session, ids, assertions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql.types import UserDefinedType

from penstock.functions.errors import wrong_input
from penstock.functions.literals import constant
from penstock.functions.markers import quote, raise_with_values
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal
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
    BooleanType,
    DataType,
    DecimalType,
    NullType,
    StringType,
)  # fmt: skip


def _cast_function(names: str, target: DataType) -> Function:
    """`int(x)` is `CAST(x AS INT)` and shows as `x`."""

    def build(args: Args, request: Request) -> Expression:
        from penstock.functions.cast_checks import check_cast

        if args[0].type == target:
            return args[0]
        cast = Cast(args[0], target, "ansi" if request.conf.ansi else "legacy", implicit=True)
        check_cast(cast)
        return cast

    return row(names, "any", target, "", build=build)


def _typeof(args: Args, request: Request) -> Expression:
    return FunctionCall("typeof", args, STRING, False, "typeof")


def _constant(value: str) -> Any:
    return lambda args, call, context: quote(value)


def _current_schema(args: list[str], call: FunctionCall, context: Any) -> str:
    """The analyzer gives the name as an argument, which does not show."""
    return args[0] if args else quote("default")


def _user(args: list[str], call: FunctionCall, context: Any) -> str:
    import getpass

    return quote(getpass.getuser())


_RAISED = "USER_RAISED_EXCEPTION"


def _raise_error(args: list[str], call: FunctionCall, context: Any) -> str:
    raised = raise_with_values(_RAISED, "{errorMessage}", {"errorMessage": args[0]}, sqlstate="P0001", kind="runtime")
    return f"CASE WHEN TRUE THEN {raised} END"


def _assert_true(args: Args, request: Request) -> Expression:
    from penstock.functions.coercion import cast_if_needed
    from penstock.functions.names import display_name

    if not isinstance(args[0].type, (BooleanType, NullType)):
        raise wrong_input(request.name, args, 0, "BOOLEAN")
    condition = cast_if_needed(args[0], BOOLEAN, request.conf)
    message = args[1] if len(args) > 1 else Literal(f"'{display_name(args[0])}' is not true!", STRING)
    return FunctionCall("assert_true", (condition, message), NULL, True, "assert_true")


def _assert_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    raised = raise_with_values(_RAISED, "{errorMessage}", {"errorMessage": args[1]}, sqlstate="P0001", kind="runtime")
    return f"CAST(CASE WHEN {args[0]} THEN NULL ELSE {raised} END AS INTEGER)"


_UUID_CLASS = "java.util.UUID"


def _reflect(args: Args, request: Request) -> Expression:
    """There is no JVM here: of its classes, java.util.UUID is known."""
    from penstock.core.errors import unsupported

    names = [constant(arg) for arg in args[:2]]
    words = [str(name.value) if name is not None else "" for name in names]
    if words not in ([_UUID_CLASS, "randomUUID"], [_UUID_CLASS, "fromString"]) or len(args) != 2 + (
        words[1] == "fromString"
    ):
        raise unsupported(f"{request.name} of {'.'.join(w for w in words if w) or 'a method that is no constant'}")
    return FunctionCall(request.function.name, args, STRING, True, request.name)


def _reflect_sql(quiet: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if len(args) == 2:
            return "CAST(uuid() AS VARCHAR)"
        return f"CAST({'TRY_CAST' if quiet else 'CAST'}({args[2]} AS UUID) AS VARCHAR)"

    return sql


def _variable_name(call: FunctionCall, texts: Sequence[str]) -> str:
    value = call.args[0]
    shown = f"'{texts[0]}'" if isinstance(value.type, StringType) and texts[0] != "NULL" else texts[0]
    return f"variablereference(system.session.{call.display}={shown})"


def _unwrapped(args: Args) -> DataType:
    t = args[0].type
    assert isinstance(t, UserDefinedType)
    return t.sqlType()


def _udt(args: Args, request: Request) -> Args:
    from penstock.functions.errors import wrong_input

    if not isinstance(args[0].type, UserDefinedType):
        raise wrong_input(request.name, args, 0, "UserDefinedType")
    return args


def _sql_function_name(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({', '.join(texts[1:])})"


def _row_id(args: Args, request: Request) -> Expression:
    return FunctionCall("monotonically_increasing_id", (), LONG, False, "monotonically_increasing_id")


register(
    _cast_function("boolean", BOOLEAN),
    _cast_function("tinyint", BYTE),
    _cast_function("smallint", SHORT),
    _cast_function("int", INTEGER),
    _cast_function("bigint", LONG),
    _cast_function("float", FLOAT),
    _cast_function("double", DOUBLE),
    _cast_function("decimal", DecimalType(10, 0)),
    _cast_function("date", DATE),
    _cast_function("timestamp", TIMESTAMP),
    _cast_function("binary", BINARY),
    _cast_function("string", STRING),
    row("typeof", "any", STRING, lambda args, call, context: quote(call.args[0].type.simpleString()), build=_typeof),
    row("current_user user session_user", "", STRING, _user, nullable=False, shows={"current_user": "current_user"}),
    row("current_schema current_database", "", STRING, _current_schema, nullable=False,
        shows={"current_database": "current_schema"}, display=lambda call, texts: "current_schema()"),
    row("current_catalog", "", STRING, _constant("spark_catalog"), nullable=False),
    row("version", "", STRING, _constant("4.2.0 32f7299601108917fb01920a54e084595b7b3bf8"), nullable=False),
    row("reflect java_method", "any any any*", STRING, _reflect_sql(False), build=_reflect, deterministic=False),
    row("try_reflect", "any any any*", STRING, _reflect_sql(True), build=_reflect, deterministic=False),
    row("input_file_name", "", STRING, "''", nullable=False, deterministic=False),
    row("input_file_block_start", "", LONG, "-1", nullable=False, deterministic=False),
    row("input_file_block_length", "", LONG, "-1", nullable=False, deterministic=False),
    row("uuid", "any?", STRING, "CAST(uuid() AS VARCHAR)", nullable=False, deterministic=False),
    row("monotonically_increasing_id", "", LONG, "(row_number() OVER () - 1)", build=_row_id, deterministic=False),
    row("spark_partition_id", "", INTEGER, "0", nullable=False, deterministic=False,
        shows={"spark_partition_id": "SPARK_PARTITION_ID"}),
    row("unwrap_udt", "any", _unwrapped, "{0}", coerce=_udt),
    row("$file_metadata", "", NULL, "NULL", nullable=False, display=lambda call, texts: "_metadata"),
    row("$variable", "any", 0, "{0}", display=_variable_name),
    row("$sql_function", "any any*", 0, "{0}", display=_sql_function_name),
    row("$slice", "any any any", INTEGER,
        "CAST(((CAST({0} AS HUGEINT) + 1) * {1} - 1) // greatest({2}, 1) AS INTEGER)"),
    row("raise_error", "string", NULL, _raise_error, nullable=True,
        display=lambda call, texts: f"raise_error({_RAISED}, map(errorMessage, {texts[0]}))"),
    row("assert_true", "any any?", NULL, _assert_sql, build=_assert_true),
)  # fmt: skip
