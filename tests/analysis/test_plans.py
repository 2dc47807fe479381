"""Resolved plans: ids, subqueries, hidden columns, text, speed."""

from __future__ import annotations

import time

from penstock.analysis.reinstance import with_fresh_ids
from penstock.plan.expressions import Attribute, SubqueryExpression
from penstock.plan.nodes import Filter, Node, Project
from penstock.plan.printing import analyzed_plan, explain
from penstock.sql import parse_query
from tests.analysis.plans import Views, col, context, resolved, rows

TPCH_3 = """
select t.b, sum(d * (1 - c)) as revenue, u.dt from t, u, n
where n.b = 'x' and n.a = u.a and t.a = u.a and u.dt < date '1995-03-15' and t.ts > timestamp '1995-03-15 00:00:00'
group by t.b, u.dt order by revenue desc, u.dt limit 10
"""


def ids(plan: Node) -> set[int]:
    return {a.id for node in plan.walk() for a in node.output}


def test_a_view_used_twice_has_different_ids() -> None:
    plan = resolved("select * from n x join n y on x.a = y.a")
    assert len({a.id for a in plan.output}) == 4


def test_a_correlated_subquery_refers_to_the_outer_column() -> None:
    plan = resolved("select a from n o where exists (select 1 from n i where i.a = o.a)")
    assert isinstance(plan, Project)
    below = plan.child
    assert isinstance(below, Filter) and isinstance(below.condition, SubqueryExpression)
    inside = ids(below.condition.plan)
    used = {
        e.id
        for f in below.condition.plan.walk()
        if isinstance(f, Filter)
        for e in f.condition.walk()
        if isinstance(e, Attribute)
    }
    assert used - inside == {plan.output[0].id}


def test_fresh_ids_keep_the_shape_and_the_numbers() -> None:
    plan = resolved(Project((col("a"),), rows("a bigint", 5), plan_id=6))
    again = with_fresh_ids(plan)
    assert not ids(plan) & ids(again)
    assert [node.plan_id for node in again.walk()] == [6, 5]
    assert again.schema == plan.schema


def test_common_tables_see_earlier_ones_and_hide_views() -> None:
    plan = resolved("with t as (select 1 as one), u as (select one + 1 as two from t) select * from t, u")
    assert [a.name for a in plan.output] == ["one", "two"]


def test_having_filters_before_windows_are_computed() -> None:
    plan = resolved("select b, rank() over (order by sum(a)) as r from n group by b having count(*) > 1")
    assert isinstance(plan, Project)
    assert [a.name for a in plan.output] == ["b", "r"]
    assert any(isinstance(node, Filter) for node in plan.child.walk())


def test_explain_shows_both_plans() -> None:
    unresolved = parse_query("select a + 1 as x from n where b = 'q'")
    plan = resolved("select a + 1 as x from n where b = 'q'")
    text = explain(unresolved, plan)
    assert text.startswith("== Parsed Logical Plan ==\nProject ['('a + 1) AS x]\n+- Filter '('b = q)\n")
    assert "== Analyzed Logical Plan ==\nx: int\nProject [(a#" in text
    assert analyzed_plan(plan).splitlines()[2].startswith("+- Filter (b#")


def test_a_tpch_query_is_analysed_in_milliseconds() -> None:
    unresolved, session = parse_query(TPCH_3), context(Views())
    from penstock.analysis.analyzer import analyze

    best = min(_seconds(lambda: analyze(unresolved, session)) for _ in range(5))
    assert best < 0.02  # about 2 ms on an idle machine


def _seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start
