"""Make tests/programs/golden/*.jsonl anew: run every program on real Spark.

usage: python tests/programs/make_golden.py /path/to/python-with-pyspark [PROGRAM ...]

That Python needs `pip install "pyspark==4.2.*"` and a JDK.  All programs run in one process, each in a session of its own.
"""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHILD = "GOLDEN_CHILD"


def main(python: str, *names: str) -> int:
    env = {**os.environ, "PYSPARK_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(HERE), "TZ": "UTC"}
    programs = sorted(p.stem for p in HERE.glob("*.py") if p.stem not in ("lib", "make_golden", "test_programs"))
    chosen = [program for program in programs if not names or program in names]
    with tempfile.TemporaryDirectory() as place:
        return subprocess.run([python, __file__, *chosen], env={**env, CHILD: "1"}, cwd=place, check=False).returncode


def run_all(*programs: str) -> int:
    """Run the programs in this process, which is real Spark's; the number of those that failed."""
    from pyspark.sql import SparkSession

    base = SparkSession.builder.appName("golden").config("spark.ui.enabled", "false").getOrCreate()
    base.sparkContext.setLogLevel("OFF")
    home, failed = Path.cwd(), 0
    for program in programs:
        session = base.newSession()
        SparkSession._instantiatedSession = session
        session._jvm.SparkSession.setActiveSession(session._jsparkSession)
        session._jvm.SparkSession.setDefaultSession(session._jsparkSession)
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                runpy.run_path(str(HERE / f"{program}.py"), run_name="__main__")
        except Exception:
            failed += 1
            print(f"{program}: FAILED\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        else:
            (HERE / "golden" / f"{program}.jsonl").write_text(out.getvalue())
            print(f"{program}: {len(out.getvalue().splitlines())} lines", flush=True)
        for query in session.streams.active:
            query.stop()
        os.chdir(home)
    return failed


if __name__ == "__main__":
    sys.exit(run_all(*sys.argv[1:]) if os.environ.get(CHILD) else main(*sys.argv[1:]))
