"""What of a failure reaches the client: class, condition, SQLSTATE, parameters, causes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pyspark.sql.connect.proto as pb
import pytest
from pyspark.errors import AnalysisException, ParseException, UnsupportedOperationException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException, SparkException

from penstock.connect.errors import ErrorLog
from penstock.connect.service import Service
from penstock.core.errors import SparkError, analysis_error


def test_an_analysis_error(spark: Any) -> None:
    with pytest.raises(AnalysisException) as caught:
        spark.range(1).select("x").collect()
    error = caught.value
    assert error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert error.getSqlState() == "42703"
    assert error.getMessageParameters() == {"objectName": "`x`", "proposal": "`id`"}
    assert str(error).startswith("[UNRESOLVED_COLUMN.WITH_SUGGESTION] ")
    assert "stacktrace" not in str(error)


def test_a_parse_error(spark: Any) -> None:
    with pytest.raises(ParseException) as caught:
        spark.sql("selec 1")
    assert caught.value.getCondition() == "PARSE_SYNTAX_ERROR"
    assert caught.value.getSqlState() == "42601"


def test_what_is_missing_is_named(spark: Any) -> None:
    with pytest.raises(UnsupportedOperationException, match="clusterBy"):
        spark.range(1).write.clusterBy("id").saveAsTable("t")


def test_an_unforeseen_error_is_internal(spark: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("penstock.connect.pipeline.run", fail)
    monkeypatch.setattr("penstock.connect.relations.run", fail)
    with pytest.raises(SparkException) as caught:
        spark.range(1).collect()
    assert caught.value.getCondition() == "INTERNAL_ERROR"
    assert caught.value.getSqlState() == "XX000"
    assert "ZeroDivisionError: oops" in str(caught.value)
    assert "Penstock" in (caught.value.getStackTrace() or "") or "fail" in (caught.value.getStackTrace() or "")


def test_causes_are_chained() -> None:
    log = ErrorLog()
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise analysis_error("OUTER", "outer", "42000", a="b") from inner
    except SparkError as error:
        failure = log.failure(error)
    (detail,) = failure.status.details
    assert b"OUTER" in detail.value
    error_id = next(iter(log._errors))
    outer, cause = log.details(error_id)
    assert outer.cause_idx == 1
    assert outer.spark_throwable.error_class == "OUTER"
    assert dict(outer.spark_throwable.message_parameters) == {"a": "b"}
    assert "inner" in cause.message
    assert outer.error_type_hierarchy[-1] == "java.lang.Object"
    assert log.details(error_id) == []


def test_errors_without_a_condition_show_their_bare_message(spark: Any) -> None:
    with pytest.raises(AnalysisException) as caught:
        spark.readStream.format("rate").load().collect()
    assert caught.value.getCondition() == "_LEGACY_ERROR_TEMP_3102"
    assert str(caught.value).startswith("A query with a streaming source")


def test_session_ids_are_uuids(service: Service) -> None:
    request = pb.ConfigRequest(session_id="not a uuid")
    with pytest.raises(Exception, match="INVALID_HANDLE.FORMAT"):
        service.call("Config", request, None)  # type: ignore[arg-type]


def test_a_session_of_another_server(connect: Any) -> None:
    spark = connect()
    spark.conf.get("spark.sql.ansi.enabled")
    spark.client._server_session_id = str(uuid4())
    with pytest.raises(SparkConnectGrpcException, match="SESSION_CHANGED"):
        spark.conf.get("spark.sql.ansi.enabled")
