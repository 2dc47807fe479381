"""The explode family in a SELECT: the generator moves into a Generate below the Project."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.kinds import contains_generator, is_generator
from penstock.functions import lookup
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, fresh_id
from penstock.plan.nodes import Generate, Node
from penstock.plan.types import StructType


def place_generators(columns: Sequence[Expression], child: Node) -> tuple[list[Expression], Node]:
    """The columns with each generator replaced by the attributes of a new Generate, one over the other."""
    placed: list[Expression] = []
    for column in columns:
        if not contains_generator(column):
            placed.append(column)
            continue
        call = _bare(column)
        if not is_generator(call) or any(contains_generator(arg) for arg in call.children):
            raise fail("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", expression=sql_expr(call))
        generate = make_generate(call, child, column.names if isinstance(column, Alias) else ())
        placed.extend(generate.generated)
        child = generate
    return placed, child


def make_generate(
    call: Expression, child: Node, names: Sequence[str], *, outer: bool = False, alias: str | None = None
) -> Generate:
    """Generate over `child`; the columns are named by `names`, or as Spark names them by default."""
    assert isinstance(call, FunctionCall) and isinstance(call.type, StructType)
    outer = outer or lookup(call.name).outer
    fields = call.type.fields
    if names and len(names) != len(fields):
        raise fail(
            "NUM_TABLE_VALUE_ALIASES_MISMATCH", funcName=f"`{call.name}`", aliasesNum=len(names), outColsNum=len(fields)
        )
    qualifier = (alias,) if alias else ()
    generated = tuple(
        Attribute(name, f.dataType, f.nullable or outer, fresh_id(), qualifier)
        for name, f in zip(names or [f.name for f in fields], fields, strict=True)
    )
    return Generate(call, child, generated, outer, alias)


def _bare(e: Expression) -> Expression:
    return e.child if isinstance(e, Alias) else e
