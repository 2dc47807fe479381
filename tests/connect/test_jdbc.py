# ruff: noqa: E501
"""JDBC by ADBC: SQLite always, PostgreSQL where a server or its programs are there (PENSTOCK_TEST_POSTGRES=host:port,
user postgres without a password, or `initdb` and `pg_ctl`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROWS = """SELECT id AS a, CAST(id AS INT) AS i, concat('x', id) AS b, CAST(id AS DECIMAL(10,2)) AS e, DATE'2024-01-31' AS f,
TIMESTAMP'2024-01-31 10:11:12.123' AS g, id % 2 = 0 AS h, 1.5D AS d, X'01' AS bi, CAST(NULL AS STRING) AS z FROM range(10)"""


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((place for place in reversed(places) if (place / "pg_ctl").exists()), None)


def _free_port() -> int:
    """If possible one that the system gives to nobody who asks for any port: such a one may be taken before the server
    has it."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in (*range(first_given - 1 - os.getpid() % 5000, 1024, -1), 0):
        with contextlib.suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            return int(free.getsockname()[1])
    raise AssertionError("no port is free")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """host:port of a server."""
    given, programs = os.environ.get("PENSTOCK_TEST_POSTGRES"), _programs()
    if given:
        yield given
        return
    if programs is None:
        pytest.skip("no PostgreSQL: set PENSTOCK_TEST_POSTGRES or install its server")
    # Not below pytest's own directories: root's are closed to the user that the server runs as.
    directory = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses root
        as_user = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chown(directory, 65534, 65534)
    port = _free_port()
    data = directory / "data"
    quiet = {
        "check": True,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": str(directory),
        **as_user,
    }
    subprocess.run([programs / "initdb", "-A", "trust", "-U", "postgres", "-D", data], **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {directory}"
    subprocess.run(
        [programs / "pg_ctl", "-w", "-t", "240", "-D", data, "-o", options, "-l", directory / "log", "start"], **quiet
    )
    yield f"127.0.0.1:{port}"
    subprocess.run([programs / "pg_ctl", "-w", "-m", "immediate", "-D", data, "stop"], **quiet)
    shutil.rmtree(directory)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"jdbc:sqlite:{tmp_path}/x.db"
    return f"jdbc:postgresql://{request.getfixturevalue('postgres')}/postgres?user=postgres&password=s3cr3t"


def test_a_table_is_written_and_read(spark: Any, url: str) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    rows = spark.sql(ROWS)
    rows.write.jdbc(url, "t", mode="overwrite")
    found = spark.read.jdbc(url, "t")
    assert found.schema.simpleString() == rows.schema.simpleString()
    assert found.orderBy("a").collect() == rows.orderBy("a").collect()
    with pytest.raises(Exception, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        rows.write.jdbc(url, "t")
    rows.write.jdbc(url, "t", mode="ignore")
    rows.write.jdbc(url, "t", mode="append", properties={"batchsize": "3"})
    assert spark.read.jdbc(url, "t").count() == 20
    rows.limit(4).write.option("truncate", "true").jdbc(url, "t", mode="overwrite")
    assert spark.read.jdbc(url, "t").count() == 4


def test_partitions_predicates_and_queries(spark: Any, url: str) -> None:
    spark.sql("SELECT id AS a, id % 3 AS k FROM range(10)").write.jdbc(url, "p", mode="overwrite")
    parts = spark.read.jdbc(url, "p", column="a", lowerBound=2, upperBound=8, numPartitions=3)
    assert sorted(row.a for row in parts.collect()) == list(range(10))
    assert spark.read.jdbc(url, "p", predicates=["a < 3", "a > 7"]).count() == 5
    query = "SELECT k, count(*) AS n FROM p GROUP BY k"
    found = spark.read.format("jdbc").option("url", url).option("query", query).load()
    assert sorted(map(tuple, found.collect())) == [(0, 4), (1, 3), (2, 3)]
    custom = spark.read.jdbc(url, "p", properties={"customSchema": "a STRING"})
    assert sorted(row.a for row in custom.collect()) == [str(i) for i in range(10)]
    for options in (
        {"dbtable": "p", "query": query},
        {},
        {"dbtable": "p", "partitionColumn": "a"},
        {"query": query, "partitionColumn": "a"},
    ):
        with pytest.raises(Exception, match=r"dbtable|partitionColumn"):
            spark.read.format("jdbc").option("url", url).options(**options).load().collect()


def test_no_password_in_an_error(spark: Any) -> None:
    with pytest.raises(Exception, match="FAILED_JDBC") as caught:
        spark.read.jdbc("jdbc:postgresql://127.0.0.1:1/db?password=s3cr3t", "t", properties={"user": "u"}).collect()
    assert "s3cr3t" not in str(caught.value)


def test_other_urls_and_options_are_refused(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="'mysql'"):
        spark.read.jdbc("jdbc:mysql://localhost/x", "t").collect()
    with pytest.raises(Exception, match="queryTimeout"):
        spark.read.jdbc(f"jdbc:sqlite:{tmp_path}/x.db", "t", properties={"queryTimeout": "5"}).collect()
    with pytest.raises(Exception, match="no such table"):
        spark.read.jdbc(f"jdbc:sqlite:{tmp_path}/x.db", "t").collect()


def test_timestamps_without_a_zone(spark: Any, postgres: str) -> None:
    url = f"jdbc:postgresql://{postgres}/postgres?user=postgres&password=s3cr3t"
    query = "SELECT TIMESTAMP '2024-01-31 10:11:12' AS t, TIMESTAMPTZ '2024-01-31 10:11:12Z' AS z"

    def types(*option: str) -> str:
        read = spark.read.format("jdbc").option("url", url).option("query", query)
        return str((read.option("preferTimestampNTZ", *option) if option else read).load().schema.simpleString())

    ltz, ntz = "struct<t:timestamp,z:timestamp>", "struct<t:timestamp_ntz,z:timestamp>"
    assert (types(), types("true"), types("false")) == (ltz, ntz, ltz)
    spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
    try:
        assert (types(), types("true"), types("false")) == (ntz, ntz, ltz)
    finally:
        spark.conf.unset("spark.sql.timestampType")
