"""Every function that Spark 4.2 has is called, or refused by its name: none is missing in silence.

tests/differential/golden/functions.txt is what SHOW SYSTEM FUNCTIONS lists in Spark 4.2 (made by make_golden.py); the
Python names are those of the client.
"""

from __future__ import annotations

from pathlib import Path

import pyspark.sql.avro.functions as avro
import pyspark.sql.functions as F
import pyspark.sql.protobuf.functions as protobuf
import pytest

from penstock.analysis import special_functions
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.functions import lookup, resolve
from penstock.plan.expressions import Literal
from penstock.plan.types import INTEGER
from tests.conformance.functions import AGREEING, agreeing_line, examples

SPARK = (Path(__file__).parents[1] / "differential" / "golden" / "functions.txt").read_text("utf-8").split("\n")
#: Functions of the grammar and of the analyzer: names that no call resolves.
GRAMMAR = frozenset(("case", "between", "!=", "<>", "||", "window", "window_time", "session_window"))
REFUSED = ("UNRESOLVED_ROUTINE", "UNSUPPORTED_FEATURE.PENSTOCK")
#: What a call with too few or wrong arguments says: the function is there.
KNOWN = ("WRONG_NUM_ARGS", "DATATYPE_MISMATCH", "REQUIRED_PARAMETER_NOT_FOUND", "INVALID_PARAMETER_VALUE")


def standing(name: str) -> str:
    """`exercised` by an example that agrees with Spark, `known` to the analyzer, or the condition of its refusal."""
    if name in EXERCISED:
        return "exercised"
    if name in GRAMMAR or name in special_functions.HANDLERS:
        return "known"
    for count in range(5):
        try:
            resolve(name, tuple(Literal(1, INTEGER) for _ in range(count)), conf=Conf())
        except SparkError as error:
            if error.condition in REFUSED:
                return error.condition
            if not error.condition.startswith(KNOWN):
                return "known"
            continue
        except (TypeError, AttributeError):  # it looks at a constant of another type
            return "known"
        return "known"
    return "known"


def exercised() -> set[str]:
    agreeing = set(AGREEING.read_text("utf-8").splitlines())
    return {case["function"] for case in examples() if agreeing_line(case) in agreeing}


EXERCISED = exercised()


def named_in(error: Exception, name: str) -> bool:
    return name.lower() in str(error).lower()


@pytest.mark.parametrize("name", [name for name in SPARK if name])
def test_function_of_spark_works_or_is_refused_by_name(name: str) -> None:
    found = standing(name)
    if found not in REFUSED:
        return
    with pytest.raises(SparkError) as caught:
        resolve(name, (), conf=Conf())
    assert named_in(caught.value, name)


#: What the client composes of other functions, or sends as expressions of their own.
COMPOSED = frozenset((
    "asc", "asc_nulls_first", "asc_nulls_last", "broadcast", "bucket", "call_function", "call_udf", "col", "column",
    "days", "desc", "desc_nulls_first", "desc_nulls_last", "expr", "hours", "lit", "months", "pandas_udf", "udf",
    "udtf", "arrow_udf", "arrow_udtf", "unwrap_udt", "years", "when", "window", "window_time", "session_window",
    "PandasUDFType", "ArrowUDFType", "UserDefinedFunction", "UserDefinedTableFunction", "outer", "partitioning",
    "named_struct", "AnalyzeArgument", "AnalyzeResult", "OrderingColumn", "PartitioningColumn", "SelectedColumn",
    "SkipRestOfInputTableException", "from_avro", "to_avro", "from_protobuf", "to_protobuf",
))  # fmt: skip
#: Python name -> SQL name, where they differ.
ALIASES = {
    "approxCountDistinct": "approx_count_distinct", "countDistinct": "count", "count_distinct": "count",
    "sumDistinct": "sum", "sum_distinct": "sum", "bitwiseNOT": "~", "bitwise_not": "~", "create_map": "map",
    "shiftLeft": "shiftleft", "shiftRight": "shiftright", "shiftRightUnsigned": "shiftrightunsigned",
    "toDegrees": "degrees", "toRadians": "radians", "negate": "negative", "array_agg": "array_agg",
    "monotonically_increasing_id": "monotonically_increasing_id", "dateadd": "date_add",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({*F.__all__} - COMPOSED))
def test_function_of_the_client_works_or_is_refused_by_name(name: str) -> None:
    called = ALIASES.get(name, name)
    found = standing(called)
    if found in REFUSED:
        with pytest.raises(SparkError) as caught:
            resolve(called, (), conf=Conf())
        assert named_in(caught.value, called)


def test_functions_of_formats_are_refused_or_known() -> None:
    for module in (avro, protobuf):
        for name in ("from_avro", "to_avro", "from_protobuf", "to_protobuf"):
            if hasattr(module, name):
                assert standing(name) in ("known", "exercised", *REFUSED)


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(SparkError) as caught:
        resolve("no_such_function", (), conf=Conf())
    assert caught.value.condition == "UNRESOLVED_ROUTINE"
    with pytest.raises(SparkError):
        lookup("no_such_function")


def test_most_functions_are_exercised() -> None:
    names = [name for name in SPARK if name]
    assert sum(standing(name) in REFUSED for name in names) <= len(names) * 0.08
    assert sum(name in EXERCISED for name in names) >= len(names) * 0.75


def test_no_name_of_the_client_is_left_out() -> None:
    public = {name for name in dir(F) if not name.startswith("_") and callable(getattr(F, name))}
    assert {*F.__all__} <= public | COMPOSED
