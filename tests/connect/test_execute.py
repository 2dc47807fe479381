"""ExecutePlan, ReattachExecute, ReleaseExecute, Interrupt, GetStatus."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyspark.sql.connect.proto as pb
import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from penstock.connect import encode, operations
from penstock.connect.errors import RpcFailure
from penstock.connect.operations import Operation
from penstock.connect.pipeline import Result
from penstock.connect.service import Peer, Service
from penstock.core.errors import SparkError
from penstock.plan.types import LONG, StructField, StructType

PEER = Peer()


def range_request(session_id: str, rows: int = 3, *, reattachable: bool = True) -> pb.ExecutePlanRequest:
    request = pb.ExecutePlanRequest(session_id=session_id, operation_id=str(uuid4()), tags=["mine"])
    request.user_context.user_id = "tester"
    request.plan.root.range.end = rows
    request.plan.root.range.step = 1
    if reattachable:
        request.request_options.add().reattach_options.reattachable = True
    return request


def attach(service: Service, request: pb.ExecutePlanRequest, after: str | None = None) -> Iterator[Any]:
    again = pb.ReattachExecuteRequest(session_id=request.session_id, operation_id=request.operation_id)
    again.user_context.user_id = "tester"
    if after:
        again.last_response_id = after
    return service.call("ReattachExecute", again, PEER)


def release(service: Service, request: pb.ExecutePlanRequest, until: str | None = None) -> None:
    message = pb.ReleaseExecuteRequest(session_id=request.session_id, operation_id=request.operation_id)
    message.user_context.user_id = "tester"
    if until:
        message.release_until.response_id = until
    else:
        message.release_all.SetInParent()
    service.call("ReleaseExecute", message, PEER)


def kinds(responses: list[Any]) -> list[str]:
    return [r.WhichOneof("response_type") or "schema" for r in responses]


def test_order_of_responses(service: Service) -> None:
    request = range_request(str(uuid4()))
    responses = list(service.call("ExecutePlan", request, PEER))
    assert kinds(responses) == ["schema", "arrow_batch", "result_complete"]
    assert {r.operation_id for r in responses} == {request.operation_id}
    assert len({r.response_id for r in responses}) == 3
    batch = responses[1].arrow_batch
    assert batch.row_count == 3
    assert pa.ipc.open_stream(batch.data).read_all().column(0).to_pylist() == [0, 1, 2]


def test_a_broken_stream_is_attached_again(service: Service) -> None:
    request = range_request(str(uuid4()))
    stream = service.call("ExecutePlan", request, PEER)
    first = next(stream)
    stream.close()  # the connection breaks
    rest = list(attach(service, request, first.response_id))
    assert kinds(rest) == ["arrow_batch", "result_complete"]
    everything = list(attach(service, request))
    assert [r.response_id for r in everything] == [first.response_id, *(r.response_id for r in rest)]


def test_released_responses_are_gone(service: Service) -> None:
    request = range_request(str(uuid4()))
    responses = list(service.call("ExecutePlan", request, PEER))
    release(service, request, responses[1].response_id)
    assert kinds(list(attach(service, request, responses[1].response_id))) == ["result_complete"]
    with pytest.raises(RpcFailure, match="INVALID_CURSOR.POSITION_NOT_AVAILABLE"):
        list(attach(service, request))
    release(service, request)
    with pytest.raises(RpcFailure, match="INVALID_HANDLE.OPERATION_NOT_FOUND"):
        list(attach(service, request, responses[1].response_id))


def test_an_error_is_repeated_to_who_attaches_again(service: Service) -> None:
    request = range_request(str(uuid4()))
    request.plan.root.Clear()
    request.plan.root.read.named_table.unparsed_identifier = "nowhere"
    for stream in (service.call("ExecutePlan", request, PEER), attach(service, request)):
        with pytest.raises(RpcFailure, match="TABLE_OR_VIEW_NOT_FOUND"):
            list(stream)


def test_the_buffer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "RETRY_BUFFER_BYTES", 500)
    operation = Operation("s", "server", "o")
    operation.run(pb.ExecutePlanResponse(arrow_batch={"data": b"x" * 200}) for _ in range(10))
    responses = list(operation.attach(None, lambda: True))
    assert len(responses) == 11
    assert list(operation.attach(responses[-2].response_id, lambda: True)) == [responses[-1]]
    with pytest.raises(SparkError, match="POSITION_NOT_FOUND"):
        list(operation.attach(responses[0].response_id, lambda: True))


def test_a_second_reader_takes_over(service: Service) -> None:
    request = range_request(str(uuid4()))
    stream = service.call("ExecutePlan", request, PEER)
    first = next(stream)
    assert len(list(attach(service, request, first.response_id))) == 2
    with pytest.raises(RpcFailure, match="INVALID_CURSOR.DISCONNECTED"):
        next(stream)


def test_a_stream_ends_early_when_the_transport_wants_its_thread_back() -> None:
    operation = Operation("s", "server", "o")
    operation.run(iter([None, None, pb.ExecutePlanResponse()]))
    answers = iter([True, False, True, True, True, True])
    assert list(operation.attach(None, lambda: next(answers))) == []
    assert len(list(operation.attach(None, lambda: True))) == 2


def test_an_operation_id_is_taken_once(service: Service) -> None:
    request = range_request(str(uuid4()))
    next(service.call("ExecutePlan", request, PEER))
    with pytest.raises(RpcFailure, match="OPERATION_ALREADY_EXISTS"):
        service.call("ExecutePlan", request, PEER)


def test_status_of_operations(service: Service) -> None:
    request = range_request(str(uuid4()), reattachable=False)
    stream = service.call("ExecutePlan", request, PEER)
    next(stream)
    ask = pb.GetStatusRequest(session_id=request.session_id, user_context=request.user_context)
    ask.operation_status.operation_ids.extend([request.operation_id, "unknown"])
    states = pb.GetStatusResponse.OperationStatus.OperationState

    def state() -> list[int]:
        return [s.state for s in service.call("GetStatus", ask, PEER).operation_statuses]

    assert state() == [states.OPERATION_STATE_RUNNING, states.OPERATION_STATE_UNKNOWN]
    list(stream)
    assert state()[0] == states.OPERATION_STATE_SUCCEEDED


@pytest.mark.parametrize("how", ["all", "tag", "id"])
def test_interrupt(connect: Any, how: str) -> None:
    spark, outcome = connect(reattachable=False), []
    spark.addTag("mine")

    def run() -> None:
        spark.addTag("mine")
        try:
            spark.range(10**12).selectExpr("sum(id * 3 + 1)").collect()
        except SparkConnectGrpcException as error:
            outcome.append(error.getCondition())

    thread = threading.Thread(target=run)
    thread.start()
    interrupted: list[str] = []
    deadline = time.monotonic() + 120
    while not interrupted and time.monotonic() < deadline:
        time.sleep(0.05)
        if how == "all":
            interrupted = spark.interruptAll()
        elif how == "tag":
            assert spark.interruptTag("other") == []
            interrupted = spark.interruptTag("mine")
        else:
            running = spark.client._get_operation_statuses().operation_statuses
            interrupted = [i for o in running for i in spark.interruptOperation(o.operation_id)]
    thread.join(120)
    assert outcome == ["OPERATION_CANCELED"]


def test_compressed_plans(connect: Any) -> None:
    spark = connect(reattachable=False)
    spark.conf.set("spark.connect.session.planCompression.threshold", "0")
    text = "x" * 5000
    assert spark.createDataFrame([(text,)], "a string").collect() == [(text,)]


def test_a_compressed_plan_that_is_none(service: Service) -> None:
    request = range_request(str(uuid4()))
    packed = request.plan.compressed_operation
    packed.data, packed.compression_codec = b"nonsense", pb.CompressionCodec.COMPRESSION_CODEC_ZSTD
    with pytest.raises(RpcFailure, match="CONNECT_INVALID_PLAN.CANNOT_PARSE"):
        list(service.call("ExecutePlan", request, PEER))


def test_large_results_come_in_batches_and_chunks() -> None:
    table = pa.table({"id": pa.array(range(1000), pa.int64())})
    result = Result(table, StructType([StructField("id", LONG)]))
    batches = [r.arrow_batch for r in encode.encode_result(result, encode.Chunking(2000))][1:]
    assert sum(b.row_count for b in batches) == 1000
    assert len(batches) == 4
    assert [b.start_offset for b in batches] == [0, 250, 500, 750]
    chunks = [r.arrow_batch for r in encode.encode_result(result, encode.Chunking(1024, allow_chunks=True))][1:]
    assert max(len(c.data) for c in chunks) <= 1024
    parts: dict[int, list[bytes]] = {}
    for chunk in chunks:
        parts.setdefault(chunk.start_offset, []).append(chunk.data)
    rows = [pa.ipc.open_stream(b"".join(data)).read_all().num_rows for data in parts.values()]
    assert sum(rows) == 1000


def test_empty_results_have_a_batch(connect: Any) -> None:
    assert connect().range(0).toArrow().num_rows == 0


def test_an_empty_data_frame_of_any_type(connect: Any) -> None:
    ddl = "t timestamp, n timestamp_ntz, a array<struct<x:timestamp>>, i interval day to second, v variant"
    frame = connect().createDataFrame([], ddl)
    assert frame.collect() == []
    assert frame.schema.names == ["t", "n", "a", "i", "v"]


def test_reattachable_client(connect: Any, service: Service) -> None:
    spark = connect(reattachable=True)
    assert spark.range(3).count() == 3
    deadline = time.monotonic() + 120
    session = service.sessions.all()[0]
    while session.operations and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not session.operations  # the client has released what it got


@pytest.mark.parametrize("reattachable", [True, False])
def test_an_operation_that_is_waited_for_is_not_abandoned(service: Service, reattachable: bool) -> None:
    """However long the client waits: for the end of a streaming query, or the rows of a long one."""
    stream = service.call("ExecutePlan", range_request(str(uuid4()), reattachable=reattachable), PEER)
    next(stream)
    session = service.sessions.all()[0]
    session.abandon(time.monotonic() + 3600)
    assert [r.WhichOneof("response_type") for r in stream][-1] == "result_complete"
    session.abandon(time.monotonic() + 3600)
    assert not session.operations


def test_abandoned_operations_are_forgotten(service: Service) -> None:
    request = range_request(str(uuid4()))
    next(service.call("ExecutePlan", request, PEER))
    session = service.sessions.all()[0]
    session.abandon(time.monotonic() + 301)
    assert not session.operations
