"""Sessions see their own settings and views; global views are the server's."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from pyspark.errors import AnalysisException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from penstock.connect.service import Service
from penstock.connect.session import IDLE_SECONDS


def test_two_sessions_are_isolated(connect: Any) -> None:
    one, two = connect(), connect()
    one.range(3).createOrReplaceTempView("mine")
    one.conf.set("spark.sql.shuffle.partitions", 3)
    assert one.table("mine").count() == 3
    with pytest.raises(AnalysisException) as caught:
        two.table("mine").collect()
    assert caught.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"
    assert two.conf.get("spark.sql.shuffle.partitions") == "200"


def test_global_views_are_shared(connect: Any) -> None:
    one, two = connect(), connect()
    one.range(4).createGlobalTempView("shared")
    assert two.table("global_temp.shared").count() == 4
    with pytest.raises(AnalysisException, match="TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"):
        two.range(1).createGlobalTempView("shared")
    assert two.catalog.dropGlobalTempView("shared")
    assert not one.catalog.tableExists("global_temp.shared")


def test_two_clients_of_one_session(connect: Any) -> None:
    one = connect()
    two = connect(session_id=one.session_id)
    one.range(2).createOrReplaceTempView("v")
    assert two.table("v").count() == 2


def test_users_with_one_session_id_are_apart(connect: Any, service: Service) -> None:
    one = connect()
    one.range(2).createOrReplaceTempView("v")
    other = service.sessions.get("somebody else", one.session_id)
    assert other.catalog.lookup(("v",)) is None


def test_a_clone_goes_its_own_way(connect: Any) -> None:
    one = connect()
    one.range(2).createOrReplaceTempView("v")
    one.conf.set("my.key", "one")
    two = one.cloneSession(str(uuid4()))
    assert two.table("v").count() == 2
    assert two.conf.get("my.key") == "one"
    two.conf.set("my.key", "two")
    two.catalog.dropTempView("v")
    assert one.conf.get("my.key") == "one"
    assert one.catalog.tableExists("v")


def test_a_stopped_session_stays_stopped(connect: Any, service: Service) -> None:
    spark = connect()
    spark.range(1).collect()
    spark.client.release_session()
    with pytest.raises(SparkConnectGrpcException, match="SESSION_CLOSED"):
        spark.conf.get("spark.sql.ansi.enabled")
    assert service.sessions.all() == []


def test_idle_sessions_are_swept(connect: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    connect().conf.get("spark.sql.ansi.enabled")
    (session,) = service.sessions.all()
    assert not session.is_idle(time.monotonic())
    session.touched -= IDLE_SECONDS + 1
    service.sessions._swept -= 61
    service.sessions.sweep(idle=True)
    assert service.sessions.all() == []


def test_a_cursor_that_was_interrupted_is_not_used_again(connect: Any, service: Service) -> None:
    spark = connect()
    assert spark.range(1).count() == 1
    (session,) = service.sessions.all()
    with session.cursor() as cursor:
        cursor.interrupt()
    assert spark.range(3).count() == 3


def test_views_are_fixed_at_their_creation(spark: Any) -> None:
    spark.range(3).createOrReplaceTempView("v")
    spark.sql("CREATE TEMP VIEW w AS SELECT id + 1 AS next FROM v")
    spark.range(7).createOrReplaceTempView("v")
    assert spark.table("w").count() == 3


def test_view_names(spark: Any) -> None:
    spark.range(1).createOrReplaceTempView("View")
    assert spark.catalog.tableExists("vIEW")
    with pytest.raises(AnalysisException) as caught:
        spark.range(1).createTempView("VIEW")
    assert caught.value.getMessageParameters() == {"relationName": "`VIEW`"}
    with pytest.raises(AnalysisException) as caught:
        spark.range(1).createTempView("a b")
    assert caught.value.getCondition() == "_LEGACY_ERROR_TEMP_1321"


def test_local_relations_large_enough_to_be_uploaded(spark: Any) -> None:
    spark.conf.set("spark.sql.session.localRelationCacheThreshold", "10")
    rows = [(i, str(i)) for i in range(2000)]
    frame = spark.createDataFrame(rows, "a int, b string")
    assert frame.collect() == rows
    assert frame.schema.simpleString() == "struct<a:int,b:string>"


def test_artifacts(spark: Any, service: Service, tmp_path: Any) -> None:
    module = tmp_path / "big.py"
    module.write_text("# " + "x" * 100_000)
    spark.addArtifact(str(module), pyfile=True)
    (session,) = service.sessions.all()
    assert "pyfiles/big.py" in session.artifacts
    assert session.artifacts._data["pyfiles/big.py"] == module.read_bytes()


def test_checkpoint_keeps_rows(spark: Any) -> None:
    frame = spark.range(5).selectExpr("id", "rand() AS r")
    kept = frame.localCheckpoint()
    assert kept.collect() == kept.collect()
    assert kept.count() == 5


def test_storage_levels(spark: Any) -> None:
    frame = spark.range(3)
    assert not frame.storageLevel.useMemory
    assert frame.persist().storageLevel.useMemory
    assert not frame.unpersist().storageLevel.useMemory


def test_semantics(spark: Any) -> None:
    assert spark.range(3).sameSemantics(spark.range(3))
    assert not spark.range(3).sameSemantics(spark.range(4))
    assert spark.range(3).semanticHash() == spark.range(3).semanticHash()


def test_questions_about_plans(spark: Any) -> None:
    assert spark.version == "4.2.0"
    assert spark.createDataFrame([(1,)], "a int").isLocal()
    assert not spark.range(1).isLocal()
    assert not spark.range(1).isStreaming
    assert spark.readStream.format("rate").load().isStreaming
    assert spark._parse_ddl("int").simpleString() == "int"
    assert spark._parse_ddl("a int, b string").simpleString() == "struct<a:int,b:string>"
    assert spark._to_ddl(spark.range(1).schema) == "id BIGINT NOT NULL"
    text = spark.range(3).filter("id > 1")._explain_string(extended=True)
    assert "== Analyzed Logical Plan ==" in text
    assert "== Physical Plan ==" in text
