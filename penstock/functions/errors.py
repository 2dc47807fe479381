"""The analysis errors of function calls."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.errors import SparkError, analysis_error
from penstock.functions.names import display_name
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import NULL, DataType

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
             "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth")  # fmt: skip


def ordinal(index: int) -> str:
    """`first`, `second`, ... as Spark numbers parameters."""
    return _ORDINALS[index] if index < len(_ORDINALS) else f"{index + 1}th"


def shown(name: str, args: Sequence[Expression]) -> str:
    """The call in double quotes, for `sqlExpr`."""
    return f'"{display_name(FunctionCall(name, tuple(args), NULL, True, name))}"'


def mismatch(kind: str, name: str, args: Sequence[Expression], reason: str, **params: object) -> SparkError:
    """DATATYPE_MISMATCH.<kind> for the call `name(args)`."""
    expression = shown(name, args)
    return analysis_error(
        f"DATATYPE_MISMATCH.{kind}", f"Cannot resolve {expression} due to data type mismatch: {reason}", "42K09",
        sqlExpr=expression, **params,
    )  # fmt: skip


def wrong_input(name: str, args: Sequence[Expression], index: int, required: str) -> SparkError:
    """DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE: argument `index` cannot become `required`."""
    arg = args[index]
    found, text = quoted_type(arg.type), f'"{display_name(arg)}"'
    required = required if required.startswith("(") else f'"{required}"'
    return mismatch(
        "UNEXPECTED_INPUT_TYPE", name, args,
        f"The {ordinal(index)} parameter requires the {required} type, however {text} has the type {found}.",
        paramIndex=ordinal(index), requiredType=required, inputSql=text, inputType=found,
    )  # fmt: skip


def different_types(name: str, args: Sequence[Expression]) -> SparkError:
    """DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES: the two sides of an operator have no common type."""
    left, right = quoted_type(args[0].type), quoted_type(args[1].type)
    return mismatch(
        "BINARY_OP_DIFF_TYPES", name, args, f"the operands have incompatible types ({left} and {right}).",
        left=left, right=right,
    )  # fmt: skip


def wrong_operand(name: str, args: Sequence[Expression], required: str, actual: DataType) -> SparkError:
    """DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE: an operator does not take this type."""
    required = required if required.startswith("(") else f'"{required}"'
    return mismatch(
        "BINARY_OP_WRONG_TYPE", name, args,
        f"the binary operator requires the input type {required}, not {quoted_type(actual)}.",
        inputType=required, actualDataType=quoted_type(actual),
    )  # fmt: skip


def data_diff_types(name: str, args: Sequence[Expression]) -> SparkError:
    """DATATYPE_MISMATCH.DATA_DIFF_TYPES: arguments that must agree have no common type."""
    types = "(" + " or ".join(quoted_type(arg.type) for arg in args) + ")"
    return mismatch(
        "DATA_DIFF_TYPES", name, args, f"Input to `{name}` should all be the same type, but it's {types}.",
        functionName=f"`{name}`", dataType=types,
    )  # fmt: skip


def wrong_count(name: str, least: int, most: int | None, actual: int) -> SparkError:
    """WRONG_NUM_ARGS.WITHOUT_SUGGESTION."""
    if most is None:
        expected = f"> {least - 1}" if least > 0 else "any number"
    elif least == most:
        expected = str(least)
    else:
        expected = "[" + ", ".join(str(n) for n in range(least, most + 1)) + "]"
    return analysis_error(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        f"The function `{name}` takes {expected} arguments, but {actual} were given.", "42605",
        functionName=f"`{name}`", expectedNum=expected, actualNum=actual,
        docroot="https://spark.apache.org/docs/latest",
    )  # fmt: skip


def not_foldable(name: str, args: Sequence[Expression], index: int, input_name: str) -> SparkError:
    """DATATYPE_MISMATCH.NON_FOLDABLE_INPUT: the argument must be a constant."""
    arg = args[index]
    return mismatch(
        "NON_FOLDABLE_INPUT", name, args, f"the input `{input_name}` must be a constant, got \"{display_name(arg)}\".",
        inputName=f"`{input_name}`", inputType=quoted_type(arg.type), inputExpr=f'"{display_name(arg)}"',
    )  # fmt: skip
