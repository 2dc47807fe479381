"""The rate source: `rowsPerSecond` rows a second, each a timestamp and a running number.

As in Spark, an offset is whole seconds since the query first started; that moment is in the source's metadata.  Rows
are a function of the offsets alone, so a batch is the same again after any restart, and the source never lags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from penstock.checkpoint.errors import foreign_offset
from penstock.checkpoint.metadata_log import MetadataLog, body_lines
from penstock.core.errors import ARITHMETIC, UNSUPPORTED, SparkError, analysis_error
from penstock.plan.types import LONG, TIMESTAMP, StructField, StructType
from penstock.sources import options as opt
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource

SCHEMA = StructType([StructField("timestamp", TIMESTAMP, True), StructField("value", LONG, True)])
_MAX = 2**63 - 1
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "": 1}


@dataclass(frozen=True)
class RateRelation:
    """`ramp_up_seconds`: how long until the full speed is reached.  `partitions` shows in the description only: the
    rows of a batch are made at once, in order."""

    rows_per_second: int = 1
    ramp_up_seconds: int = 0
    partitions: int | None = None
    schema: StructType = SCHEMA

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        raise streaming_only("rate")

    def open_stream(self, context: StreamContext) -> StreamSource:
        return RateStreamSource(self, context)

    def open_continuous(self, context: StreamContext) -> StreamSource:
        from penstock.sources.rate_continuous import ContinuousRateSource

        return ContinuousRateSource(self, context)

    def rows_until(self, second: int) -> int:
        """How many rows come in the first `second` seconds.  While the ramp lasts, each second has `step` rows more
        than the one before."""
        step = self.rows_per_second // (self.ramp_up_seconds + 1)
        ramp = min(second, self.ramp_up_seconds)
        return step * ramp * (ramp + 1) // 2 + (second - ramp) * self.rows_per_second


class RateStreamSource:
    """One running rate source."""

    def __init__(self, relation: RateRelation, context: StreamContext) -> None:
        self._relation = relation
        self._clock = context.clock
        self._created_ms = self._creation_time(context)
        self._last_ms = self._created_ms
        self._fixed: str | None = None

    @property
    def description(self) -> str:
        return describe(self._relation)

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        if self._fixed is not None:
            return self._fixed
        self._last_ms = max(
            self._last_ms, self._clock.now_ms()
        )  # a clock set back makes the source wait, not lose rows
        return str(max((self._last_ms - self._created_ms) // 1000, self._second(start)))

    def look_after_ms(self) -> int | None:
        return 1000 - (self._clock.now_ms() - self._created_ms) % 1000

    def prepare_for_available_now(self) -> None:
        self._fixed = self.latest_offset(None)

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        first_second, last_second = self._second(start), self._second(end)
        first, last = self._relation.rows_until(first_second), self._relation.rows_until(last_second)
        if last > _MAX:
            message = (
                f"The rate source has come to its end: {self._relation.rows_per_second} rows a second for {end} s."
            )
            params = _end_params(self._relation, end)
            raise SparkError("INCORRECT_END_OFFSET", message, params, sqlstate="22003", classes=ARITHMETIC)
        values = np.arange(first, last, dtype=np.int64)
        per_value = (last_second - first_second) * 1000 / max(last - first, 1)
        ms = np.floor((values - first) * per_value + 0.5).astype(np.int64) + self._created_ms + first_second * 1000
        return Scan(table=rate_table(ms, values, columns))

    def row_count(self, start: str | None, end: str) -> int | None:
        return self._relation.rows_until(self._second(end)) - self._relation.rows_until(self._second(start))

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        """Nothing is kept."""

    def stop(self) -> None:
        """Nothing to release."""

    def _second(self, offset: str | None) -> int:
        try:
            return int(offset or 0)
        except ValueError:
            raise foreign_offset(self.description, str(offset)) from None

    def _creation_time(self, context: StreamContext) -> int:
        """When the query first started: from the source's metadata, where the first start has put it."""
        log = MetadataLog(context.metadata_path)
        if log.latest is None:
            log.add(0, f"v1\n{context.clock.now_ms()}".encode())
        lines = body_lines(log.get(0), log.path(0))
        try:
            return int("".join(lines))
        except ValueError:
            raise foreign_offset(self.description, "".join(lines)) from None


def rate(
    *,
    options: Mapping[str, str],
    paths: Sequence[str],
    schema: StructType | None,
    streaming: bool,
    conf: Mapping[str, str],
) -> Relation:
    """The provider of `format("rate")`."""
    refuse_schema(schema, "rate")
    if not streaming:
        raise streaming_only("rate")
    relation = RateRelation(
        rows_per_second=opt.positive(options, "rowsPerSecond") or 1,
        ramp_up_seconds=_seconds(options.get("rampuptime", "0s")),
        partitions=opt.positive(options, "numPartitions"),
    )
    _check_ramp(relation)
    return relation


def describe(relation: RateRelation) -> str:
    """As in progress."""
    partitions = "default" if relation.partitions is None else relation.partitions
    return (
        f"RateStreamV2[rowsPerSecond={relation.rows_per_second}, rampUpTimeSeconds={relation.ramp_up_seconds}, "
        f"numPartitions={partitions}"  # Spark's lacks the bracket, too
    )


def rate_table(ms: np.ndarray, values: np.ndarray, columns: Sequence[tuple[str, str]]) -> pa.Table:
    """The columns asked for, of rows given by their milliseconds and values."""
    arrays = {
        "timestamp": lambda: pa.array(ms * 1000, pa.int64()).view(pa.timestamp("us", tz="UTC")),
        "value": lambda: pa.array(values, pa.int64()),
        "none": lambda: pa.nulls(len(values)),
    }
    chosen = columns or [("none", "none")]
    return pa.Table.from_arrays([arrays[name]() for name, _ in chosen], names=[sql_name for _, sql_name in chosen])


def refuse_schema(schema: StructType | None, source: str) -> None:
    """Sources with a fixed schema take none from the user."""
    if schema is not None:
        message = f"The {source} source has a fixed schema: leave out .schema(...)."
        raise SparkError("_LEGACY_ERROR_TEMP_2242", message, {"provider": source}, classes=UNSUPPORTED)


def streaming_only(source: str) -> SparkError:
    """A stream source in spark.read."""
    message = f"The data source {source} does not support batch reads: use spark.readStream."
    return analysis_error("_LEGACY_ERROR_TEMP_1135", message, "XXKD0", className=source)


def _seconds(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _UNITS:
        raise opt.bad_value("rampUpTime", text, "a time such as 30s or 5m")
    return int(match[1]) * _UNITS[match[2]]


def _check_ramp(relation: RateRelation) -> None:
    longest = _MAX // relation.rows_per_second
    if relation.ramp_up_seconds > longest:
        params = _end_params(relation, "") | {"rampUpTimeSeconds": relation.ramp_up_seconds}
        params.pop("endSeconds")
        message = (
            f"rampUpTime is {relation.ramp_up_seconds} s, but at {relation.rows_per_second} rowsPerSecond the numbers "
            f"suffice for {longest} s."
        )
        raise SparkError("INCORRECT_RAMP_UP_RATE", message, params, sqlstate="22003", classes=ARITHMETIC)


def _end_params(relation: RateRelation, end: str) -> dict[str, object]:
    longest = _MAX // relation.rows_per_second
    return {"rowsPerSecond": relation.rows_per_second, "maxSeconds": longest, "endSeconds": end}
