"""withField and dropFields: one step over the struct, however many follow each other."""

from __future__ import annotations

from penstock.plan import nodes as n
from penstock.plan.expressions import Alias, Expression, UpdateFields
from tests.analysis.plans import col, lit, resolved, rows

DF = rows("s struct<a:int,b:int,c:int,d:int,e:struct<x:int,y:int>,g:struct<x:int>>", 1)
FIELDS = ("a", "b", "e.x", "g.x", "e.y", "f", "e.z", "g.y")


def updated(count: int) -> Expression:
    struct: Expression = col("s")
    for i in range(count):
        struct = UpdateFields(struct, FIELDS[i % len(FIELDS)], lit(i))
    plan = resolved(n.Project((Alias(struct, ("t",)),), DF))
    assert isinstance(plan, n.Project)
    (column,) = plan.expressions
    return column


def test_a_chain_of_updates_is_one_update_of_the_struct() -> None:
    sizes = [sum(1 for _ in updated(count).walk()) for count in (8, 16, 32, 64)]
    assert sizes[0] < 60
    assert len(set(sizes)) == 1


def test_the_last_value_counts() -> None:
    assert (
        updated(16).type.simpleString()
        == "struct<a:int,b:int,c:int,d:int,e:struct<x:int,y:int,z:int>,g:struct<x:int,y:int>,f:int>"
    )
