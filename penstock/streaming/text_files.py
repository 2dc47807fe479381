"""saveAsTextFiles."""

from __future__ import annotations

import shutil
from pathlib import Path

from penstock.core.files import local_path
from penstock.rdd.rdd import RDD


def save_once(rdd: RDD, path: str) -> None:
    """Save the batch's elements.  A directory that a batch before a restart wrote whole stays; half of one is
    written anew."""
    directory = Path(local_path(path))
    if (directory / "_SUCCESS").exists():
        return
    if directory.exists():
        shutil.rmtree(directory)
    rdd.saveAsTextFile(path)
