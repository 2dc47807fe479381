"""The settings that hold while types and literals are read."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

from penstock.core.active_conf import active, steps_under, timestamps_are_local
from penstock.core.config import Conf
from penstock.plan.types import TIMESTAMP, TIMESTAMP_NTZ, DataType
from penstock.sql import parse_schema, parse_type

_LOCAL = Conf({"spark.sql.timestampType": "timestamp_ntz"})


def _column(text: str) -> DataType:
    return parse_schema(text)["a"].dataType


def test_timestamp_means_what_the_setting_says() -> None:
    assert (parse_type("timestamp"), _column("a TIMESTAMP")) == (TIMESTAMP, TIMESTAMP)
    with active(_LOCAL):
        assert (parse_type("timestamp"), _column("a TIMESTAMP")) == (TIMESTAMP_NTZ, TIMESTAMP_NTZ)
        assert (parse_type("timestamp_ltz"), _column("a TIMESTAMP WITH LOCAL TIME ZONE")) == (TIMESTAMP, TIMESTAMP)
        with active(Conf()):
            assert parse_type("timestamp") == TIMESTAMP
        assert parse_type('"timestamp"') == TIMESTAMP  # JSON names the type itself
    assert (parse_type("timestamp"), _column("a TIMESTAMP")) == (TIMESTAMP, TIMESTAMP)


def test_another_thread_has_its_own() -> None:
    found: list[bool] = []
    with active(_LOCAL):
        thread = Thread(target=lambda: found.append(timestamps_are_local()))
        thread.start()
        thread.join()
    assert found == [False]


def test_steps_work_under_the_conf_and_their_reader_does_not() -> None:
    closed: list[bool] = []

    def source() -> Iterator[bool]:
        try:
            yield timestamps_are_local()
            yield timestamps_are_local()
        finally:
            closed.append(True)

    steps = steps_under(_LOCAL, source())
    assert (next(steps), timestamps_are_local()) == (True, False)
    steps.close()  # type: ignore[attr-defined]
    assert closed == [True]
