"""The watermark as each operator of a chain sees it."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from penstock.operators.join import JoinRules, SideRules
from penstock.plan.nodes import Join, OneRow, Project, Read, Watermark
from penstock.runtime.watermark_flow import input_lag, join_lag, redefines_watermark, seen_by


def read() -> Read:
    return Read("rate", {}, streaming=True)


def marked() -> Watermark:
    return Watermark(read(), "t", 1_000_000)


def rules(left_offset_us: int, right_offset_us: int, exclusive: bool = False) -> JoinRules:
    left = SideRules("t", False, (), left_offset_us, exclusive)
    return JoinRules(left, replace(left, expiry_offset_us=right_offset_us), False, None, pa.schema([]))


@pytest.mark.parametrize(
    ("watermark", "lag", "seen"), [(0, 0, 0), (10, 0, 10), (10, 3, 7), (10, 30, 0), (10, None, 0), (0, None, 0)]
)
def test_an_operator_sees_the_watermark_moved_back(watermark: int, lag: int | None, seen: int) -> None:
    assert seen_by(watermark, lag) == seen


def test_a_join_holds_back_what_its_sides_keep_longest() -> None:
    assert join_lag(rules(-5_000_000, 2_000_000), True, True) == 5000
    assert join_lag(rules(-5_000_000, 2_000_000), False, True) == 0
    assert join_lag(rules(-5_000_000, -7_000_000, exclusive=True), True, True) == 7001
    assert join_lag(rules(0, 0), True, True) == 0


def test_the_slowest_input_counts_and_inputs_without_a_watermark_do_not() -> None:
    inner = Join(marked(), marked())
    outer = Join(Project((), inner), read())
    held = {id(inner): 4000, id(outer): 1000}
    assert input_lag(inner, held) == 0
    assert input_lag(outer, held) == 4000
    assert input_lag(Project((), outer), held) == 5000
    assert input_lag(Join(read(), OneRow()), held) is None


def test_a_watermark_over_a_watermark_is_found() -> None:
    assert redefines_watermark(Watermark(Project((), marked()), "t", 1))
    assert not redefines_watermark(Join(marked(), marked()))
