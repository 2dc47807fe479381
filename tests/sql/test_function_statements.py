"""CREATE FUNCTION, variables, EXECUTE IMMEDIATE and row changes, as statements."""

from __future__ import annotations

import pytest

from penstock.core.errors import SparkError
from penstock.plan.expressions import Alias, Literal, SubqueryExpression, UnresolvedAttribute, UnresolvedFunction
from penstock.plan.sql_functions import JavaFunction, SqlFunction
from penstock.plan.types import DoubleType, IntegerType, LongType, StringType
from penstock.sql import parse_statement
from penstock.sql import statements as st


def function(sql: str) -> SqlFunction:
    statement = parse_statement(sql)
    assert isinstance(statement, st.CreateFunction)
    assert isinstance(statement.function, SqlFunction)
    return statement.function


def test_a_scalar_function() -> None:
    made = function(
        "CREATE OR REPLACE TEMPORARY FUNCTION area(x DOUBLE COMMENT 'a, b', `y` DECIMAL(10, 2) DEFAULT f(1, 2)) "
        "RETURNS DOUBLE LANGUAGE SQL NOT DETERMINISTIC COMMENT 'it''s' READS SQL DATA RETURN x * y"
    )
    assert [(p.name, p.type.simpleString()) for p in made.parameters] == [("x", "double"), ("y", "decimal(10,2)")]
    assert made.parameters[0].default is None
    assert isinstance(made.parameters[1].default, UnresolvedFunction)
    assert isinstance(made.returns, DoubleType)
    assert isinstance(made.value, UnresolvedFunction)
    assert made.query is None


def test_a_function_without_parameters_or_type() -> None:
    made = function("CREATE FUNCTION d.answer() RETURN SELECT 42")
    assert made.parameters == ()
    assert made.returns is None
    assert isinstance(made.value, SubqueryExpression)


def test_a_table_function() -> None:
    made = function("CREATE FUNCTION t(n INT) RETURNS TABLE(a BIGINT, b STRING) RETURN SELECT id, 'x' FROM range(9)")
    assert made.columns is not None
    assert [type(f.dataType) for f in made.columns] == [LongType, StringType]
    assert made.value is None
    assert made.query is not None
    assert function("CREATE FUNCTION t() RETURNS TABLE RETURN VALUES (1)").columns is None


def test_a_java_function() -> None:
    statement = parse_statement("CREATE FUNCTION IF NOT EXISTS a.f AS 'com.example.F' USING JAR '/x.jar'")
    assert statement == st.CreateFunction(("a", "f"), JavaFunction("f", "com.example.F"), if_not_exists=True)


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("CREATE FUNCTION f(x INT) RETURNS INT x + 1", "PARSE_SYNTAX_ERROR"),
        ("CREATE FUNCTION f(x) RETURN 1", "PARSE_SYNTAX_ERROR"),
        ("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE PYTHON AS $$ 1 $$", "UNSUPPORTED_FEATURE.PENSTOCK"),
        ("SELECT count(*) FROM VALUES (1) t(a) GROUP BY ()", "PARSE_SYNTAX_ERROR"),
    ],
)
def test_errors(sql: str, condition: str) -> None:
    with pytest.raises(SparkError) as caught:
        parse_statement(sql)
    assert caught.value.condition == condition


def test_variables() -> None:
    one = parse_statement("DECLARE OR REPLACE VARIABLE x INT DEFAULT 5")
    assert isinstance(one, st.DeclareVariables)
    assert (one.names, one.replace) == ((("x",),), True)
    assert isinstance(one.type, IntegerType)
    several = parse_statement("declare a, session.b = 'x = y'")
    assert isinstance(several, st.DeclareVariables)
    assert several.names == (("a",), ("session", "b"))
    assert several.type is None
    assert several.value == Literal("x = y", StringType())
    changed = parse_statement("SET VAR a = f(1, 2), b = 3")
    assert isinstance(changed, st.SetVariables)
    assert changed.names == (("a",), ("b",))
    assert isinstance(changed.values[0], UnresolvedFunction)
    queried = parse_statement("SET VARIABLE (a, b) = (SELECT 1, 2)")
    assert isinstance(queried, st.SetVariables)
    assert queried.plan is not None
    assert parse_statement("DROP TEMPORARY VARIABLE IF EXISTS x") == st.DropVariable(("x",), True)
    assert parse_statement("SET spark.x = 1") == st.SetConf("spark.x", "1")


def test_execute_immediate() -> None:
    run = parse_statement("EXECUTE IMMEDIATE 'SELECT :a' INTO x, session.y USING (1 AS a, 'b, c' AS d)")
    assert isinstance(run, st.ExecuteImmediate)
    assert run.text == Literal("SELECT :a", StringType())
    assert run.into == (("x",), ("session", "y"))
    assert [arg.name for arg in run.args if isinstance(arg, Alias)] == ["a", "d"]
    assert parse_statement("EXECUTE IMMEDIATE stmt") == st.ExecuteImmediate(UnresolvedAttribute(("stmt",)))


@pytest.mark.parametrize(
    ("sql", "operation"),
    [
        ("UPDATE a.b SET x = 1", "UPDATE TABLE"),
        ("DELETE FROM a.b", "DELETE"),
        ("DELETE FROM a.b AS t WHERE t.x = 1", "DELETE"),
        ("MERGE INTO a.b USING s ON true WHEN MATCHED THEN DELETE", "MERGE INTO TABLE"),
    ],
)
def test_row_changes(sql: str, operation: str) -> None:
    assert parse_statement(sql) == st.ChangeRows(("a", "b"), operation)
