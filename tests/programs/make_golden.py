"""Make tests/programs/golden/*.jsonl anew: run every program on real Spark.

usage: python tests/programs/make_golden.py /path/to/python-with-pyspark [PROGRAM ...]

That Python needs `pip install "pyspark==4.2.*"` and a JDK.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(python: str, *names: str) -> None:
    env = {**os.environ, "PYSPARK_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(HERE), "TZ": "UTC"}
    programs = sorted(p for p in HERE.glob("*.py") if p.stem not in ("lib", "make_golden", "test_programs"))
    for program in programs:
        if names and program.stem not in names:
            continue
        done = subprocess.run([python, program], env=env, capture_output=True, text=True, timeout=300)
        if done.returncode:
            print(f"{program.stem}: FAILED\n{done.stderr[-3000:]}", file=sys.stderr)
            continue
        (HERE / "golden" / f"{program.stem}.jsonl").write_text(done.stdout)
        print(f"{program.stem}: {len(done.stdout.splitlines())} lines", flush=True)


main(*sys.argv[1:])
