"""`format("state-metadata")`: the stateful operators of a checkpoint, a row a store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from penstock.checkpoint import query_metadata
from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files
from penstock.core.errors import unsupported
from penstock.plan.types import INTEGER, LONG, STRING, StructField, StructType
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource
from penstock.sources.rate import refuse_schema
from penstock.sources.state import errors
from penstock.sources.state.options import DEFAULT_STORE, batches
from penstock.sources.state.relation import join_stores
from penstock.state.fields import read_layout

SCHEMA = StructType(
    [
        StructField("operatorId", LONG),
        StructField("operatorName", STRING),
        StructField("stateStoreName", STRING),
        StructField("numPartitions", INTEGER),
        StructField("minBatchId", LONG),
        StructField("maxBatchId", LONG),
        StructField("operatorProperties", STRING),
    ]
)
_TYPES = {LONG: pa.int64(), STRING: pa.string(), INTEGER: pa.int32()}


@dataclass(frozen=True)
class MetadataRelation:
    """The operators of one checkpoint."""

    paths: CheckpointPaths

    @property
    def schema(self) -> StructType:
        return SCHEMA

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        rows = self._rows()
        made = {
            f.name: pa.array([row[i] for row in rows], _TYPES[f.dataType]) for i, f in enumerate(SCHEMA.fields)
        }  # fmt: skip
        return Scan(table=pa.Table.from_arrays([made[name] for name, _ in columns], names=[sql for _, sql in columns]))

    def open_stream(self, context: StreamContext) -> StreamSource:
        raise unsupported("the state-metadata data source as a stream")

    def _rows(self) -> list[tuple[object, ...]]:
        done = batches(self.paths)
        first, last = (done[0], done[-1]) if done else (-1, -1)
        return [
            (number, name, store, 1, first, last, properties)
            for number, name in enumerate(query_metadata.read_operators(self.paths))
            for store, properties in self._stores(number)
        ]

    def _stores(self, number: int) -> list[tuple[str, str | None]]:
        """The operator's stores; those of a transformWithState are one, as in Spark."""
        names = [name for name in files.fs.list(self.paths.state) if name.startswith(f"{number}-")]
        variables = sorted(name for name in names if "-var." in name or name.endswith("-timers"))
        if variables:
            return [(DEFAULT_STORE, self._properties(variables))]
        return [(store, None) for name in sorted(names) for store in join_stores(name.partition("-")[2])] or [
            (DEFAULT_STORE, None)
        ]

    def _properties(self, stores: Sequence[str]) -> str:
        layouts = [layout for name in stores if (layout := read_layout(self.paths.state / name)) is not None]
        common = next((layout.properties for layout in layouts if "timeMode" in layout.properties), {})
        variables = [
            {
                "stateName": layout.variable,
                "stateVariableType": layout.properties.get("variableType"),
                "ttlEnabled": layout.expires is not None,
            }
            for layout in layouts
            if layout.variable is not None
        ]
        if any(layout.kind == "timers" for layout in layouts) and common.get("timeMode", "").lower() != "none":
            name = f"${'proc' if common['timeMode'].lower() == 'processingtime' else 'event'}Timers_keyToTimestamp"
            variables.append({"stateName": name, "stateVariableType": "TimerState", "ttlEnabled": False})
        found = {"timeMode": common.get("timeMode"), "outputMode": common.get("outputMode")}
        return json.dumps({**found, "stateVariables": variables}, separators=(",", ":"))


def state_metadata(
    options: Mapping[str, str], paths: Sequence[str], schema: StructType | None, streaming: bool, conf: object
) -> Relation:
    """The provider of `state-metadata`."""
    refuse_schema(schema, "state-metadata")
    if streaming:
        raise unsupported("the state-metadata data source as a stream", "Read it with spark.read.")
    location = options.get("path") or (paths[0] if paths else None)
    if not location:
        raise errors.required("path")
    return MetadataRelation(CheckpointPaths(files.local_path(location)))
