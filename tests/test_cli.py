"""`penstock run`: arguments, __main__, exit codes, tracebacks, signals, programs that end while a query runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

#: How long a program may take: a machine may be slow, and stand still for seconds.
PATIENCE_S = 240
HEADER = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"


def write(path: Path, text: str) -> str:
    path.write_text(dedent(text))
    return str(path)


def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "penstock", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload,no-any-return]


def run(*arguments: str, **options: object) -> tuple[int, str, str]:
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text} did not come: {process.communicate()[1]}")


def test_a_program_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "beside.py", "VALUE = 42\n")
    job = write(
        tmp_path / "job.py",
        """
        import sys
        import beside
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.master("local[*]").appName("job").config("my.key", "v").getOrCreate()
        print(__name__, sys.argv[1:], beside.VALUE, spark.conf.get("my.key"), spark.sparkContext.appName)
        spark.range(2).show()
        """,
    )
    code, out, err = run("run", job, "--flag", "a b")
    assert code == 0, err
    assert out.startswith("__main__ ['--flag', 'a b'] 42 v job\n+---+\n| id|\n+---+\n|  0|\n|  1|\n+---+\n")
    assert err == ""


def test_annotations_are_evaluated_as_python_evaluates_them(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        """
        from pyspark.sql.functions import pandas_udf
        from pyspark.sql.types import LongType

        def hints():
            from typing import Iterator, Tuple
            import pandas as pd

            @pandas_udf(LongType())
            def product(batches: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
                yield from (a * b for a, b in batches)

            return product

        def plain(x: int) -> str: ...

        print(plain.__annotations__, hints().evalType)
        """,
    )
    assert run("run", job) == (0, "{'x': <class 'int'>, 'return': <class 'str'>} 204\n", "")


def test_findspark_finds_the_client(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        """
        import findspark
        findspark.add_packages("org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0")
        findspark.init("/opt/spark")
        import os, pyspark
        print(findspark.find() == os.path.dirname(pyspark.__file__))
        """,
    )
    assert run("run", job) == (0, "True\n", "")


def test_a_module(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    write(tmp_path / "jobs" / "__init__.py", "")
    write(tmp_path / "jobs" / "one.py", HEADER + "import sys\nprint(__name__, sys.argv[1:], spark.range(3).count())\n")
    assert run("run", "-m", "jobs.one", "x", cwd=tmp_path)[:2] == (0, "__main__ ['x'] 3\n")


@pytest.mark.parametrize(
    ("ending", "code", "error"),
    [("sys.exit(3)", 3, ""), ("sys.exit()", 0, ""), ("sys.exit('no luck')", 1, "no luck\n"), ("", 0, "")],
)
def test_exit_codes(tmp_path: Path, ending: str, code: int, error: str) -> None:
    job = write(tmp_path / "job.py", f"import sys\n{ending}\n")
    assert run("run", job) == (code, "", error)


def test_a_traceback_begins_in_the_program(tmp_path: Path) -> None:
    job = write(tmp_path / "job.py", "def f():\n    raise ValueError('bad luck')\n\nf()\n")
    code, _, err = run("run", job)
    assert code == 1
    assert err.splitlines()[:3] == [
        "Traceback (most recent call last):",
        f'  File "{job}", line 4, in <module>',
        "    f()",
    ]
    assert err.splitlines()[-1] == "ValueError: bad luck"
    assert "penstock/" not in err


def test_an_error_of_the_engine_shows_no_frame_of_ours(tmp_path: Path) -> None:
    job = write(tmp_path / "job.py", HEADER + "spark.range(1).select('x').show()\n")
    code, _, err = run("run", job)
    assert code == 1
    assert f'File "{job}", line 3' in err
    assert "[UNRESOLVED_COLUMN.WITH_SUGGESTION]" in err
    assert "penstock/connect" not in err


def test_a_missing_file(tmp_path: Path) -> None:
    code, _, err = run("run", str(tmp_path / "none.py"))
    assert code == 2
    assert "there is no file" in err


def test_a_program_that_does_not_parse(tmp_path: Path) -> None:
    code, _, err = run("run", write(tmp_path / "job.py", "def f(:\n"))
    assert code == 1
    assert "SyntaxError" in err
    assert "cli.py" not in err


WAITS = (
    HEADER
    + """
query = spark.readStream.format("rate").load().writeStream.format("noop").start()
print("waiting", flush=True)
query.awaitTermination()
"""
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_queries(tmp_path: Path, number: int, code: int) -> None:
    process = start("run", write(tmp_path / "job.py", WAITS))
    read_until(process, "waiting")
    time.sleep(0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert "Traceback" not in err


def test_ctrl_c_in_a_batch_query(tmp_path: Path) -> None:
    job = HEADER + "print('running', flush=True)\nspark.range(10**13).selectExpr('sum(id * 3 + 1)').collect()\n"
    process = start("run", write(tmp_path / "job.py", job))
    read_until(process, "running")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_ctrl_c_while_the_process_is_stopped(tmp_path: Path) -> None:
    """Any thread may take the signal then; the main one waits for the engine and has to notice."""
    job = HEADER + "print('running', flush=True)\nspark.range(10**13).selectExpr('sum(id * 3 + 1)').collect()\n"
    process = start("run", write(tmp_path / "job.py", job))
    read_until(process, "running")
    time.sleep(1)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_program_may_handle_ctrl_c_itself(tmp_path: Path) -> None:
    job = (
        HEADER
        + """
query = spark.readStream.format("rate").load().writeStream.format("noop").start()
try:
    print("waiting", flush=True)
    query.awaitTermination()
except KeyboardInterrupt:
    query.stop()
    print("stopped")
"""
    )
    process = start("run", write(tmp_path / "job.py", job))
    read_until(process, "waiting")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "stopped\n", "")


#: Forks a process a moment: SIGTERM comes to it that many calls and returns of the main thread after `begin`.
AT_EVERY_MOMENT = """
import os, signal, sys
import penstock
from penstock import cli, embed
from penstock.connect import server

def begin():
    left = moment
    def count(*_):
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGTERM)
    sys.setprofile(count)

class Server:
    port = 0
    def __init__(self, *_): pass
    def start(self): begin()
    def stop(self): pass

embed.install()
penstock.begin, server.Server, cli._SLICE_S = begin, Server, 0.001
codes = set()
for moment in range(1, int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        signal.alarm(int(sys.argv[2]))
        sys.exit(cli.main(sys.argv[3:]))
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.stderr.write(f"{codes}")
"""


def at_every_moment(moments: int, *command: str) -> tuple[int, str]:
    """The exit codes of the command, and what it prints to standard error before."""
    arguments = [sys.executable, "-c", AT_EVERY_MOMENT, str(moments), str(PATIENCE_S), *command]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=10 * PATIENCE_S)
    return done.returncode, done.stderr


def test_a_server_ends_whenever_sigterm_comes_while_it_waits() -> None:
    """The handler runs in the main thread, between any two lines of its wait."""
    assert at_every_moment(60, "serve", "--port", "0") == (0, "{0}")


def test_a_second_sigterm_at_any_moment_after_the_first(tmp_path: Path) -> None:
    job = "import penstock, signal\npenstock.begin()\nsignal.raise_signal(signal.SIGTERM)\n"
    assert at_every_moment(80, "run", write(tmp_path / "job.py", job)) == (0, "{143}")


def test_a_server_ends_in_order_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    process = start("serve", "--port", "0")
    read_until(process, "listens")
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    assert (process.wait(PATIENCE_S), process.stderr.read() if process.stderr else "") == (0, "")


def test_a_program_without_a_standard_output(tmp_path: Path) -> None:
    job = write(tmp_path / "job.py", "print('nobody reads this')\n")
    closed = ["sh", "-c", f"{sys.executable} -m penstock run {job} >&-"]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_ends_while_a_query_runs(tmp_path: Path) -> None:
    """What the query has committed is whole, and the next run goes on behind it."""
    job = write(
        tmp_path / "job.py",
        """
        import sys, time
        from pyspark.sql import SparkSession
        from pyspark.sql.streaming import StreamingQueryListener
        spark = SparkSession.builder.getOrCreate()
        class Quiet(StreamingQueryListener):
            def onQueryStarted(self, event): pass
            def onQueryProgress(self, event): pass
            def onQueryIdle(self, event): pass
            def onQueryTerminated(self, event): pass
        spark.streams.addListener(Quiet())
        seen = []
        def batch(frame, batch_id):
            rows = [row.value for row in frame.collect()]
            with open(sys.argv[1] + "/log", "a") as log:
                log.write("".join(f"{batch_id} {row}\\n" for row in rows))
            seen.extend(rows)
        rate = spark.readStream.format("rate").option("rowsPerSecond", 100).load()
        rate.writeStream.foreachBatch(batch).option("checkpointLocation", sys.argv[1] + "/cp").start()
        while len(seen) < 150:
            time.sleep(0.05)
        """,
    )
    for _ in range(2):
        code, _, err = run("run", job, str(tmp_path))
        assert (code, err) == (0, "")
    log = [tuple(map(int, line.split())) for line in (tmp_path / "log").read_text().splitlines()]
    rows = sorted({row for _, row in log})
    assert rows == list(range(len(rows)))  # nothing is lost
    assert len({row: batch for batch, row in log}) == len(set(log))  # a row that came again came in the same batch


def test_a_program_ends_while_a_batch_is_in_the_users_function(tmp_path: Path) -> None:
    """The batch ends in order: until then its function may use the session, also where that finds the service.  It has
    as much time as it needs here: a machine may stand still for longer than a batch is waited for."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "0.txt", "one\ntwo\n")
    job = write(
        tmp_path / "job.py",
        f"""
        import sys, threading, time
        import penstock.cli, penstock.runtime.query
        from pyspark.sql import SparkSession
        penstock.cli._STOP_LIMIT_S, penstock.runtime.query.STOP_GRACE_MS = {PATIENCE_S}, 1000 * {PATIENCE_S}
        spark = SparkSession.builder.getOrCreate()
        begun = threading.Event()
        def batch(frame, batch_id):
            begun.set()
            time.sleep(0.5)
            frame.createOrReplaceTempView("lines")
            found = frame.sparkSession.sql("SELECT value FROM lines ORDER BY value").rdd.map(lambda row: row.value)
            print(batch_id, found.collect(), flush=True)
        lines = spark.readStream.text(sys.argv[1] + "/in").writeStream.foreachBatch(batch)
        query = lines.option("checkpointLocation", sys.argv[1] + "/cp").start()
        begun.wait()
        if sys.argv[2:] == ["stop"]:
            spark.stop()
        """,
    )
    for place, *more in (("end",), ("stop", "stop")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "in").symlink_to(tmp_path / "in")
        assert run("run", job, str(tmp_path / place), *more) == (0, "0 ['one', 'two']\n", "")
        assert (tmp_path / place / "cp" / "commits" / "0").exists()


def test_threads_of_the_program_go_on(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        HEADER
        + "import threading, time\n"
        + "def work():\n    time.sleep(0.5)\n    print(spark.range(3).count())\n"
        + "threading.Thread(target=work).start()\n",
    )
    assert run("run", job)[:2] == (0, "3\n")


def test_stop_and_begin_again(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        HEADER
        + "spark.range(1).createOrReplaceTempView('v')\nspark.stop()\n"
        + "spark = SparkSession.builder.getOrCreate()\nprint(spark.range(3).count(), spark.catalog.listTables())\n",
    )
    assert run("run", job)[:2] == (0, "3 []\n")


def test_serve_refuses_an_open_door() -> None:
    code, _, err = run("serve", "--host", "0.0.0.0")
    assert code == 2
    assert "--token" in err


def test_version() -> None:
    assert run("--version")[1].startswith("penstock ")


def test_the_options_of_spark_submit(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    write(tmp_path / "lib" / "shared.py", "VALUE = 7\n")
    job = write(
        tmp_path / "job.py",
        """
        import sys
        import shared
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession
        sc = SparkContext(conf=SparkConf().set("my.own", "program"))
        print(sys.argv[1:], shared.VALUE, sc.appName, sc.master, sc.getConf().get("my.key"), sc.getConf().get("my.own"))
        sc.stop()
        spark = SparkSession.builder.config("my.own", "builder").getOrCreate()
        print(spark.conf.get("spark.app.name"), spark.conf.get("my.key"), spark.conf.get("my.own"))
        """,
    )
    options = ("--master", "local[3]", "--name", "n", "--conf", "my.key=a=b", "-c", "my.own=line", "--py-files")
    code, out, err = run("run", *options, str(tmp_path / "lib" / "shared.py"), job, "--name", "x")
    assert (code, err) == (0, "")
    assert out == "['--name', 'x'] 7 n local[3] a=b program\nn a=b builder\n"
    code, _, err = run("run", "--conf", "nothing", job)
    assert (code, err) == (2, "penstock run: --conf takes key=value, not nothing\n")
    code, _, err = run("run", "--master", "yarn", write(tmp_path / "one.py", HEADER))
    assert code == 1 and "not yarn" in err
