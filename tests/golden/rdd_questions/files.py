"""RDDs as files, and files as RDDs."""

from __future__ import annotations

import bz2
import gzip
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom

TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "one line": b"a",
    "a line and its end": b"a\n",
    "empty lines": b"\n\na\n\n",
    "all line ends": b"a\rb\r\nc\nd\r",
    "not UTF-8": b"\xff\xfe\ncaf\xc3\xa9\n",
    "many": b"".join(b"line %d\n" % i for i in range(100)),
    "long lines": b"\n".join(bytes([97 + i]) * (10 + 7 * i) for i in range(20)),
    "a line separator": "a\u2028b\x0bc\x0cd\x85e\n".encode(),
}


def questions(sc: Any) -> Iterator[Question]:
    for name, data in TEXTS.items():
        for n in (1, 2, 5):
            yield f"{name} in {n}", lambda data=data, n=n: _in_file(data, lambda path: glom(sc.textFile(path, n)))
        yield f"{name}, lines", lambda data=data: _in_file(data, lambda path: sc.textFile(path).collect())
        yield (
            f"{name}, bytes",
            lambda data=data: _in_file(data, lambda path: sc.textFile(path, use_unicode=False).collect()),
        )
        yield (
            f"{name}, whole",
            lambda data=data: _in_file(data, lambda path: sc.wholeTextFiles(path).values().collect()),
        )
        for pack in (gzip, bz2):
            suffix = {"gzip": ".gz", "bz2": ".bz2"}[pack.__name__]
            yield (
                f"{name}, {pack.__name__}",
                lambda data=data, pack=pack, suffix=suffix: _in_file(
                    pack.compress(data), lambda path: sc.textFile(path).collect(), suffix
                ),
            )
    for name, ask in DIRECTORIES.items():
        yield name, lambda ask=ask: _in_directory(lambda path: ask(sc, path))


def _in_file(data: bytes, ask: Callable[[str], Any], suffix: str = ".txt") -> Any:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"file{suffix}"
        path.write_bytes(data)
        return ask(str(path))


def _in_directory(ask: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        for name, text in (("b.txt", "3\n4\n"), ("a.txt", "1\n2\n"), ("_hidden", "x\n"), (".dot", "y\n")):
            (path / name).write_text(text)
        return ask(path)


def _written(rdd: Any, path: Path, *arguments: Any) -> list[str]:
    rdd.saveAsTextFile(str(path / "out"), *arguments)
    return sorted(p.name for p in (path / "out").iterdir() if not p.name.startswith("."))


GZIP = "org.apache.hadoop.io.compress.GzipCodec"
DIRECTORIES: dict[str, Callable[[Any, Path], Any]] = {
    "a directory": lambda sc, path: sorted(sc.textFile(str(path)).collect()),
    "a glob": lambda sc, path: sc.textFile(f"{path}/a*").collect(),
    "a glob of two": lambda sc, path: sorted(sc.textFile(f"{path}/{{a,b}}.txt").collect()),
    "two paths": lambda sc, path: sc.textFile(f"{path}/b.txt,{path}/a.txt").collect(),
    "a URI": lambda sc, path: sc.textFile(f"file://{path}/a.txt").collect(),
    "a glob of nothing": lambda sc, path: sc.textFile(f"{path}/z*").collect(),
    "whole files": lambda sc, path: sorted((Path(k).name, v) for k, v in sc.wholeTextFiles(str(path)).collect()),
    "whole files by URI": lambda sc, path: {k.split("/")[0] for k in sc.wholeTextFiles(str(path)).keys().collect()},
    "binary files": lambda sc, path: sorted((Path(k).name, v) for k, v in sc.binaryFiles(str(path)).collect()),
    "records": lambda sc, path: sc.binaryRecords(f"{path}/a.txt", 2).collect(),
    "records of another length": lambda sc, path: sc.binaryRecords(f"{path}/a.txt", 3).collect(),
    "written": lambda sc, path: _written(sc.parallelize(range(5), 3), path),
    "written as what": lambda sc, path: (
        _written(sc.parallelize(["a", b"b", 1, None, (1, "x"), "\u00e9"], 1), path),
        (path / "out" / "part-00000").read_text(),
    ),
    "written with gzip": lambda sc, path: (
        _written(sc.parallelize(["a", "b"], 1), path, GZIP),
        gzip.decompress((path / "out" / "part-00000.gz").read_bytes()),
        sc.textFile(f"{path}/out").collect(),
    ),
    "written with an unknown codec": lambda sc, path: _written(sc.parallelize([1], 1), path, "no.such.Codec"),
    "written twice": lambda sc, path: [_written(sc.parallelize([1], 1), path) for _ in range(2)],
    "written without partitions": lambda sc, path: _written(sc.emptyRDD(), path),
    "pickled": lambda sc, path: (
        sc.parallelize([1, "a", None, [1.5]], 2).saveAsPickleFile(f"{path}/out"),
        sorted(map(repr, sc.pickleFile(f"{path}/out").collect())),
    )[1],
    "sequence file": lambda sc, path: (
        sc.parallelize([(1, "a"), (2, "b")], 1).saveAsSequenceFile(f"{path}/out"),
        sc.sequenceFile(f"{path}/out").collect(),
    )[1],
    "sequence file of no pairs": lambda sc, path: sc.parallelize([1, 2], 1).saveAsSequenceFile(f"{path}/out"),
}
