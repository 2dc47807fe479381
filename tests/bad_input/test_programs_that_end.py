"""`penstock run`: how a program ends while its query runs; and that the query can always be started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

HEADER = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
root = Path(sys.argv[1])
frame = spark.readStream.schema("n int").option("maxFilesPerTrigger", 1).json(str(root / "in"))
writer = frame.writeStream.option("checkpointLocation", str(root / "checkpoint"))
"""
TO_FILES = HEADER + 'query = writer.format("json").start(str(root / "out"))\n'
REST = TO_FILES.replace("writer.", "writer.trigger(availableNow=True).") + "query.awaitTermination()\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for i in range(4):
        (tmp_path / "in" / f"{i}.json").write_text(f'{{"n": {i}}}\n')
    return tmp_path


def start(root: Path, program: str) -> subprocess.Popen[str]:
    job = root / "job.py"
    job.write_text(program)
    command = [sys.executable, "-m", "penstock", "run", str(job), str(root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(root: Path, program: str) -> tuple[int, str, str]:
    process = start(root, program)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def check_goes_on(root: Path) -> None:
    """Another run ends with every row once."""
    assert run(root, REST)[::2] == (0, "")
    log = [line for path in (root / "out/_spark_metadata").iterdir() for line in path.read_text().splitlines()[1:]]
    committed = [Path(json.loads(line)["path"].removeprefix("file://")) for line in log]
    assert sorted(json.loads(line)["n"] for path in committed for line in path.read_text().splitlines()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("ending", "code", "last_line"),
    [
        ("raise ValueError('bad luck')", 1, "ValueError: bad luck"),
        ("sys.exit(3)", 3, None),
    ],
)
def test_a_program_ends_while_its_query_runs(root: Path, ending: str, code: int, last_line: str | None) -> None:
    program = TO_FILES + f"query.processAllAvailable()\n{ending}\n"
    (root / "in" / "3.json").rename(root / "later.json")
    ended, _, err = run(root, program)
    assert ended == code, err
    lines = err.splitlines()
    if last_line is None:
        assert err == ""
    else:
        assert lines[-1] == last_line
        assert lines[1] == f'  File "{root}/job.py", line {len(program.splitlines())}, in <module>'
        assert "penstock/" not in err
    (root / "later.json").rename(root / "in" / "3.json")
    check_goes_on(root)


def test_a_query_fails_under_a_waiting_program(root: Path) -> None:
    """Exit code 1; the traceback shows the line that waited and the line of the function that failed."""
    program = HEADER + dedent(
        """
        def send(frame, batch_id):
            if batch_id == 2:
                raise RuntimeError("no answer")

        query = writer.foreachBatch(send).queryName("sender").start()
        query.awaitTermination()
        """
    )
    code, _, err = run(root, program)
    assert code == 1
    for name in (
        "query.awaitTermination()",
        "StreamingQueryException: [STREAM_FAILED] Query sender [id = ",
        "in batch 2: [FOREACH_BATCH_USER_FUNCTION_ERROR]",
        "RuntimeError: no answer",
        'raise RuntimeError("no answer")',
        "in send",
    ):
        assert name in err, err
    assert "penstock/connect" not in err


def test_what_is_no_function_is_told_at_its_line(root: Path) -> None:
    code, _, err = run(root, HEADER + "query = writer.foreachBatch('send').start()\n")
    assert code == 1
    assert "PySparkTypeError: [NOT_EXPECTED_TYPE] Argument `func` should be a function, got str." in err
    assert "writer.foreachBatch('send')" in err


def test_the_same_from_a_script(root: Path) -> None:
    """`penstock.session()` under plain Python: exit code 1 and the traceback, no hang."""
    job = root / "job.py"
    job.write_text(
        dedent(
            """
            import sys
            import penstock
            spark = penstock.session()
            frame = spark.readStream.schema("n int").json(sys.argv[1] + "/in")
            query = frame.selectExpr("1 / n AS x").writeStream.format("noop").queryName("inverse").start()
            query.awaitTermination()
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(job), str(root)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 1
    assert "[STREAM_FAILED] Query inverse [id = " in done.stderr
    assert "[DIVIDE_BY_ZERO]" in done.stderr


# ---------------------------------------------------------------- signals

WAITS = TO_FILES + "query.processAllAvailable()\nprint('ready', flush=True)\nquery.awaitTermination()\n"
IN_A_BATCH = HEADER + dedent(
    """
    import time
    def slow(frame, batch_id):
        print("ready", flush=True)
        time.sleep(600)

    writer.foreachBatch(slow).start().awaitTermination()
    """
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal(root: Path, number: int, code: int) -> None:
    """The query stops, the exit code says why, nothing is printed, and the next run goes on."""
    (root / "in" / "3.json").rename(root / "later.json")
    process = start(root, WAITS)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate(timeout=240)[1] == ""
    assert process.returncode == code
    (root / "later.json").rename(root / "in" / "3.json")
    check_goes_on(root)


def test_a_signal_during_a_batch_that_does_not_end(root: Path) -> None:
    """The batch gets ten seconds; then the program ends, and says that the batch will run again."""
    process = start(root, IN_A_BATCH)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 143
    assert err == "penstock: a batch did not end within 10 s: it runs again at the next start\n"
    check_goes_on(root)
