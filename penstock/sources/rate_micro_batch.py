"""The rate-micro-batch source: exactly `rowsPerBatch` rows a batch, whatever the clock says.

An offset is Spark's: `{"offset":N,"timestamp":T}`, N rows so far, and T, in milliseconds, for the rows that come next.
All rows of a batch bear one timestamp, `advanceMillisPerBatch` after the batch before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from penstock.checkpoint.errors import foreign_offset
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError
from penstock.plan.types import StructType
from penstock.sources import options as opt
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource
from penstock.sources.rate import SCHEMA, rate_table, refuse_schema, streaming_only


@dataclass(frozen=True)
class RateMicroBatchRelation:
    """The options; times in milliseconds."""

    rows_per_batch: int
    partitions: int | None
    start_ms: int
    advance_ms: int
    schema: StructType = SCHEMA

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        raise streaming_only("rate-micro-batch")

    def open_stream(self, context: StreamContext) -> StreamSource:
        return RateMicroBatchStreamSource(self)


class RateMicroBatchStreamSource:
    """One running source; it has no state but its options."""

    def __init__(self, relation: RateMicroBatchRelation) -> None:
        self._relation = relation
        self._last: str | None = None
        self._available_now = False

    @property
    def description(self) -> str:
        r = self._relation
        partitions = "default" if r.partitions is None else r.partitions
        return (
            f"RatePerMicroBatchStream[rowsPerBatch={r.rows_per_batch}, numPartitions={partitions}, "
            f"startTimestamp={r.start_ms}, advanceMsPerBatch={r.advance_ms}]"
        )

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        if self._available_now and self._last is not None:
            return self._last
        rows, ms = self._position(start)
        self._last = json.dumps(
            {"offset": rows + self._relation.rows_per_batch, "timestamp": ms + self._relation.advance_ms},
            separators=(",", ":"),
        )
        return self._last

    def prepare_for_available_now(self) -> None:
        """There is always one more batch; "now" is that one."""
        self._available_now = True

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        first, ms = self._position(start)
        values = np.arange(first, self._position(end)[0], dtype=np.int64)
        return Scan(table=rate_table(np.full(len(values), ms, dtype=np.int64), values, columns))

    def row_count(self, start: str | None, end: str) -> int | None:
        return self._position(end)[0] - self._position(start)[0]

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        """Nothing is kept."""

    def stop(self) -> None:
        """Nothing to release."""

    def _position(self, offset: str | None) -> tuple[int, int]:
        if offset is None:
            return 0, self._relation.start_ms
        try:
            value = json.loads(offset)
            return int(value["offset"]), int(value["timestamp"])
        except (ValueError, TypeError, KeyError):
            raise foreign_offset(self.description, offset) from None


def rate_micro_batch(
    *,
    options: Mapping[str, str],
    paths: Sequence[str],
    schema: StructType | None,
    streaming: bool,
    conf: Mapping[str, str],
) -> Relation:
    """The provider of `format("rate-micro-batch")`."""
    refuse_schema(schema, "rate-micro-batch")
    if not streaming:
        raise streaming_only("rate-micro-batch")
    rows = opt.positive(options, "rowsPerBatch")
    if rows is None:
        message = "The rate-micro-batch source needs the option 'rowsPerBatch', a positive integer."
        params = {"optionName": "rowsPerBatch"}
        raise SparkError(
            "STDS_REQUIRED_OPTION_UNSPECIFIED", message, params, sqlstate="42601", classes=ILLEGAL_ARGUMENT
        )
    return RateMicroBatchRelation(
        rows_per_batch=rows,
        partitions=opt.positive(options, "numPartitions"),
        start_ms=opt.at_least(options, "startTimestamp", 0) or 0,
        advance_ms=_or(opt.at_least(options, "advanceMillisPerBatch", 0), 1000),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
