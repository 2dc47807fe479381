"""Windows without an inverse function: what a slide costs does not grow with the window."""

from __future__ import annotations

import pytest

from penstock.streaming.window_blocks import covering
from tests.streaming.conftest import Run


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (0, 1), (0, 64), (3, 67), (5, 6), (1, 300), (17, 317)])
def test_blocks_are_the_window_and_few(begin: int, end: int) -> None:
    blocks = list(covering(begin, end))
    assert [i for level, first in blocks for i in range(first, first + (1 << level))] == list(range(begin, end))
    assert all(first % (1 << level) == 0 for level, first in blocks)
    assert len(blocks) <= 2 * max(1, (end - begin).bit_length())


def test_a_long_window_is_reduced_from_blocks(run: Run) -> None:
    calls = []

    def later(a: list[int], b: list[int]) -> list[int]:
        calls.append(1)
        return a + b  # not commutative: batches keep their order

    stream = run.ssc.queueStream([[("k", [i])] for i in range(80)])
    run.keep(stream.reduceByKeyAndWindow(later, None, 40, 1))
    results = run.batches(80)
    assert results == [[("k", list(range(max(0, i - 39), i + 1)))] for i in range(80)]
    assert len(calls) < 80 * 12  # 39 a slide without blocks
