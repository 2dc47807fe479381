import pytest
from writing import SIMPLE, context, simple

from penstock.core.errors import SparkError
from penstock.sinks import registry
from penstock.sinks.foreach import ForeachBatchSink, ForeachSink
from penstock.sinks.noop import NoopSink


def test_console(capfd):
    registry.open("console", context(options={"numrows": "1", "truncate": "5"})).write(
        3, simple((1, "abcdefgh"), (2, "x"))
    )
    assert capfd.readouterr().out == (
        "-------------------------------------------\nBatch: 3\n-------------------------------------------\n"
        "+---+-----+\n|  a|    s|\n+---+-----+\n|  1|ab...|\n+---+-----+\nonly showing top 1 row\n"
    )
    with pytest.raises(SparkError, match="numRows"):
        registry.open("console", context(options={"numrows": "x"}))


@pytest.mark.parametrize(("mode", "expected"), [("append", [1, 2]), ("update", [1, 2]), ("complete", [2])])
def test_memory(mode, expected):
    sink = registry.open("memory", context(query_name="t", output_mode=mode))
    assert sink.snapshot() is None
    sink.write(0, simple((1, "x")))
    sink.write(1, simple((2, "y")))
    sink.write(1, simple((2, "y")))
    assert sink.snapshot().column("a").to_pylist() == expected
    sink.clear()
    assert sink.snapshot() is None


def test_memory_needs_a_name():
    with pytest.raises(SparkError, match="queryName"):
        registry.open("memory", context())


def test_noop():
    sink = registry.open("noop", context())
    assert isinstance(sink, NoopSink)
    assert sink.write(0, simple((1, "x"), (2, "y"))) == 2


def test_foreach_batch():
    seen = []
    sink = ForeachBatchSink(context(), lambda table, batch_id: seen.append((batch_id, table.num_rows)))
    sink.write(0, simple())
    sink.write(1, simple((1, "x")))
    assert seen == [(0, 0), (1, 1)]


class Writer:
    def __init__(self, wanted=True, fail=False):
        self.calls, self.wanted, self.fail = [], wanted, fail

    def open(self, partition_id, epoch_id):
        self.calls.append(("open", partition_id, epoch_id))
        return self.wanted

    def process(self, row):
        if self.fail:
            raise ValueError("no")
        self.calls.append((row.a, row["s"]))

    def close(self, error):
        self.calls.append(("close", error and str(error)))


def test_foreach():
    writer = Writer()
    assert ForeachSink(context(schema=SIMPLE), writer).write(5, simple((1, "x"), (2, None))) == 2
    assert writer.calls == [("open", 0, 5), (1, "x"), (2, None), ("close", None)]


def test_foreach_that_is_not_wanted_or_fails():
    skipped = Writer(wanted=False)
    ForeachSink(context(schema=SIMPLE), skipped).write(5, simple((1, "x")))
    assert skipped.calls == [("open", 0, 5), ("close", None)]
    failing = Writer(fail=True)
    with pytest.raises(SparkError, match="FOREACH_USER_FUNCTION_ERROR.*ValueError: no"):
        ForeachSink(context(schema=SIMPLE), failing).write(5, simple((1, "x")))
    assert failing.calls == [("open", 0, 5), ("close", "no")]


def test_foreach_is_closed_when_the_query_ends_within_an_epoch():
    writer = Writer()
    sink = ForeachSink(context(schema=SIMPLE), writer)
    sink.take(7, simple((1, "x")))
    sink.stop()
    sink.stop()
    assert writer.calls == [("open", 0, 7), (1, "x"), ("close", "The query has ended before the epoch was over.")]


def test_registered_sinks():
    registry.register("mine", NoopSink)
    assert isinstance(registry.open("Mine", context()), NoopSink)
