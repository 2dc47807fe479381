"""Results -> ExecutePlanResponse: the schema, then Arrow batches, each a whole IPC stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyspark.sql.connect.proto as pb
from pyspark.sql.connect.types import pyspark_types_to_proto_types

from penstock.connect.pipeline import Observed, Result
from penstock.plan.types import StructType

Response: TypeAlias = pb.ExecutePlanResponse


@dataclass(frozen=True)
class Chunking:
    """How large a batch may be (bytes), and whether a batch that is larger than that may come in chunks."""

    batch_bytes: int = 4 * 1024 * 1024
    allow_chunks: bool = False


def chunking(options: list[pb.ExecutePlanRequest.RequestOption], batch_bytes: int) -> Chunking:
    """What the client of a request wants."""
    for option in options:
        if option.WhichOneof("request_option") == "result_chunking_options":
            wish = option.result_chunking_options
            size = wish.preferred_arrow_chunk_size if wish.HasField("preferred_arrow_chunk_size") else batch_bytes
            return Chunking(min(max(size, 1024), batch_bytes), wish.allow_arrow_batch_chunking)
    return Chunking(batch_bytes)


def encode_result(result: Result, chunks: Chunking) -> Iterator[Response]:
    """The responses that carry a result: at least one batch, even of no rows."""
    yield Response(schema=pyspark_types_to_proto_types(result.schema))
    table, offset = result.table, 0
    rows = _rows_per_batch(table, chunks.batch_bytes)
    while True:
        part = table.slice(offset, min(rows, table.num_rows - offset))  # a table without columns slices to any length
        yield from _encode_batch(ipc_bytes(part), part.num_rows, offset, chunks)
        offset += rows
        if offset >= table.num_rows:
            return


def encode_observed(observed: Sequence[Observed]) -> Iterator[Response]:
    """The response that carries what df.observe found."""
    from pyspark.sql.connect.expressions import LiteralExpression
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    if not observed:
        return
    response = Response()
    for found in observed:
        (row,) = ArrowTableToRowsConversion.convert(found.metrics, found.schema)
        values = [LiteralExpression(v, f.dataType) for v, f in zip(row, found.schema.fields, strict=True)]
        message = response.observed_metrics.add(name=found.name, keys=found.schema.names)
        message.values.extend(value.to_plan(None).literal for value in values)
    yield response


def _rows_per_batch(table: pa.Table, batch_bytes: int) -> int:
    size: int = table.nbytes
    if size <= batch_bytes or table.num_rows == 0:
        return max(int(table.num_rows), 1)
    return max(1, int(table.num_rows) * batch_bytes // size)


def ipc_bytes(table: pa.Table) -> pa.Buffer:
    """A table as one IPC stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(_one_batch(table))
    return sink.getvalue()


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    """The client wants a batch even where there are no rows."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _encode_batch(data: pa.Buffer, rows: int, offset: int, chunks: Chunking) -> Iterator[Response]:
    batch = Response.ArrowBatch
    if not chunks.allow_chunks or data.size <= chunks.batch_bytes:
        yield Response(arrow_batch=batch(row_count=rows, data=data.to_pybytes(), start_offset=offset))
        return
    starts = range(0, data.size, chunks.batch_bytes)
    for index, start in enumerate(starts):
        piece = data.slice(start, min(chunks.batch_bytes, data.size - start)).to_pybytes()
        yield Response(
            arrow_batch=batch(
                row_count=rows, data=piece, start_offset=offset, chunk_index=index, num_chunks_in_batch=len(starts)
            )
        )


def local_relation(result: Result) -> pb.Relation:
    """A small result as a relation for the client to hold (what a command such as SHOW TABLES gives)."""
    schema = result.schema.json()
    return pb.Relation(local_relation=pb.LocalRelation(data=ipc_bytes(result.table).to_pybytes(), schema=schema))


def rows_result(schema: StructType, rows: Sequence[tuple[object, ...]]) -> Result:
    """A small result made of Python values."""
    from penstock.engine.types import arrow_schema

    arrow = arrow_schema(schema)
    columns = [[row[i] for row in rows] for i in range(len(schema.fields))]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, arrow, strict=True)]
    return Result(pa.Table.from_arrays(arrays, schema=arrow), schema)
