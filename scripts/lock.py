"""Write requirements.lock: the exact versions that pyproject.toml resolves to today, runtime and development.

usage: python scripts/lock.py   (or `make lock`)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        "hatchling>=1.25",
        "editables>=0.5",
    ]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    report = json.loads(subprocess.run([*command, *wanted], check=True, capture_output=True, text=True).stdout)
    pins = sorted(
        f"{item['metadata']['name'].lower().replace('_', '-')}=={item['metadata']['version']}"
        for item in report["install"]
    )
    header = "# Made by scripts/lock.py from pyproject.toml; do not edit.\n"
    (ROOT / "requirements.lock").write_text(header + "\n".join(pins) + "\n")


if __name__ == "__main__":
    main()
