"""df.observe on a stream: the rows pass, and aggregates over those of each batch go into its progress."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from penstock.engine.types import to_spark_arrow
from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Aggregate, Node, Project
from penstock.plan.statistic_nodes import CollectMetrics
from penstock.plan.types import StructType
from penstock.runtime.steps import BatchState, Segment, Step
from penstock.translate import TranslateContext, to_sql
from penstock.translate.nodes import Input
from penstock.translate.pruning import references


@dataclass(frozen=True)
class CollectObserved:
    """Keep the rows that reach an observe under `name`, and aggregate them; a batch without rows has metrics, too."""

    label: str
    name: str
    rows: Segment
    metrics: Segment
    output: tuple[Attribute, ...]
    schema: StructType

    def __str__(self) -> str:
        return f"{self.name} := observe {self.label} over {self.rows.sql}"

    def run(self, state: BatchState) -> None:
        state.create_table(self.name, self.rows.text(state.inline))
        state.observed[self.label] = metrics_row(state, self.metrics, self.output, self.schema)


def cut_metrics(
    node: CollectMetrics,
    child: Node,
    name: str,
    required: set[int],
    steps: list[Step],
    segment: Callable[[str], Segment],
    context: TranslateContext,
) -> Node:
    """Append the step of an observe whose input is cut already; gives the leaf that reads its rows."""
    used = required | {id_ for metric in node.metrics for id_ in references(metric)}
    columns = tuple(a for a in node.child.output if a.id in used) or child.output[:1]
    aggregate = Aggregate((), node.metrics, Input(name, columns))
    rows = segment(to_sql(Project(columns, child), context))
    metrics = segment(to_sql(aggregate, context))
    steps.append(CollectObserved(node.name, name, rows, metrics, aggregate.output, aggregate.schema))
    return Input(name, columns)


def metrics_row(
    state: BatchState, segment: Segment, output: tuple[Attribute, ...], schema: StructType
) -> Mapping[str, object]:
    """The metrics as progress shows them: JSON values by name."""
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    table = to_spark_arrow(state.query(segment), output)
    (row,) = ArrowTableToRowsConversion.convert(table, schema)
    return {name: json_value(value) for name, value in zip(schema.names, row, strict=True)}


def json_value(value: Any) -> object:
    """A value of a Row as Spark's Row.json shows it."""
    if isinstance(value, Decimal):
        return float(value) if int(value.as_tuple().exponent) < 0 else int(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(" ")
        return text.rstrip("0") if value.microsecond else text
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if hasattr(value, "asDict"):
        return {key: json_value(item) for key, item in value.asDict().items()}
    if isinstance(value, dict):
        return _json_map(value)
    if isinstance(value, list):
        return [json_value(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _json_map(value: Mapping[Any, Any]) -> object:
    if all(isinstance(key, str) for key in value):
        return {key: json_value(item) for key, item in value.items()}
    return [{"key": json_value(key), "value": json_value(item)} for key, item in value.items()]
