"""Filters below withWatermark: which move, which stay."""

from __future__ import annotations

from penstock.core.config import Conf
from penstock.functions import resolve
from penstock.plan.expressions import Alias, Attribute, Expression, Literal
from penstock.plan.nodes import Filter, Node, OneRow, Project, SubqueryAlias, Watermark
from penstock.plan.types import LONG, STRING, TIMESTAMP
from penstock.runtime.pushdown import push_filters

TIME = Attribute("time", TIMESTAMP, True, 1)
URL = Attribute("url", STRING, True, 2)
SIZE = Attribute("size", LONG, True, 3)
CONF = Conf()


def call(name: str, *args: Expression) -> Expression:
    return resolve(name, args, conf=CONF)


def watermark(child: Node | None = None) -> Watermark:
    rows = child or Project((TIME, URL, SIZE), OneRow())
    return Watermark(rows, "time", 10_000_000, TIME, rows.output)


BIG = call(">", SIZE, Literal(5, LONG))
AFTER = call("isnotnull", TIME)
RANDOM = call("<", call("rand"), call("rand"))


def kinds(plan: Node) -> list[str]:
    return [type(node).__name__ for node in plan.walk()]


def test_a_filter_on_another_column_moves_below() -> None:
    plan = push_filters(Filter(BIG, watermark()))
    assert kinds(plan) == ["Watermark", "Filter", "Project", "OneRow"]


def test_a_filter_on_the_event_time_stays() -> None:
    plan = push_filters(Filter(AFTER, watermark()))
    assert kinds(plan) == ["Filter", "Watermark", "Project", "OneRow"]


def test_a_conjunction_is_split() -> None:
    plan = push_filters(Filter(call("and", BIG, AFTER), watermark()))
    assert kinds(plan) == ["Filter", "Watermark", "Filter", "Project", "OneRow"]
    assert isinstance(plan, Filter)
    assert plan.condition == AFTER


def test_a_random_filter_stays() -> None:
    assert kinds(push_filters(Filter(RANDOM, watermark())))[0] == "Filter"


def test_it_moves_through_projections_and_aliases_by_what_the_columns_are() -> None:
    below = watermark()
    doubled = Alias(call("*", SIZE, Literal(2, LONG)), ("doubled",), 9)
    named = SubqueryAlias("t", Project((TIME, doubled), below))
    condition = call(">", Attribute("doubled", LONG, True, 9), Literal(5, LONG))
    plan = push_filters(Filter(condition, named))
    assert kinds(plan) == ["SubqueryAlias", "Project", "Watermark", "Filter", "Project", "OneRow"]
    (moved,) = (node for node in plan.walk() if isinstance(node, Filter))
    assert SIZE in moved.condition.walk()


def test_a_filter_without_a_watermark_below_is_left_alone() -> None:
    plan = Filter(BIG, Project((SIZE,), OneRow()))
    assert push_filters(plan) is plan
