"""SequenceFiles and Hadoop's text formats: what is written is read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkNotImplementedError

from penstock.rdd import sequence_files
from penstock.rdd.writables import Input, vlong

_OUT, _IN = "org.apache.hadoop.mapred.SequenceFileOutputFormat", "org.apache.hadoop.mapred.SequenceFileInputFormat"
_NEW = "org.apache.hadoop.mapreduce.lib."
_INT, _TEXT = "org.apache.hadoop.io.IntWritable", "org.apache.hadoop.io.Text"

PAIRS: dict[str, list[Any]] = {
    "ints": [(i, -i * 3) for i in range(300)],
    "longs": [(1 << 40, -(1 << 40)), (-(1 << 50), (1 << 63) - 1)],
    "doubles": [("a", 1.5), ("b", -2.25)],
    "texts": [(f"k{i}", "\u00e9" * i) for i in range(200)],
    "booleans": [(1, True), (2, False)],
    "bytes": [(1, bytearray(b"ab\0")), (2, bytearray())],
    "nulls": [(None, "x"), (None, "y")],
    "maps": [(1, {}), (2, {"row": 1.0, "n": 2.5}), (3, {"a": "b", 4: None})],
}
CODECS = [None, "DefaultCodec", "GzipCodec", "BZip2Codec"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_read_as_they_were_written(sc: Any, tmp_path: Path, name: str, codec: str | None) -> None:
    path = str(tmp_path / "out")
    full = None if codec is None else f"org.apache.hadoop.io.compress.{codec}"
    sc.parallelize(PAIRS[name], 2).saveAsSequenceFile(path, full)
    assert sc.sequenceFile(path).collect() == PAIRS[name]


def test_a_file_is_read_in_pieces(sc: Any, tmp_path: Path) -> None:
    pairs = [(i, "x" * 1000) for i in range(2000)]
    sc.parallelize(pairs, 1).saveAsSequenceFile(str(tmp_path / "plain"))
    long = [(i, str(i) * 500) for i in range(3000)]
    sc.parallelize(long, 1).saveAsSequenceFile(str(tmp_path / "blocks"), "GzipCodec")
    plain = sc.sequenceFile(str(tmp_path / "plain"), minSplits=7)
    assert plain.getNumPartitions() == 7
    assert plain.collect() == pairs
    assert sum(1 for part in plain.glom().collect() if part) > 4
    blocks = sc.sequenceFile(str(tmp_path / "blocks"), minSplits=5)
    assert blocks.collect() == long


def test_records_compressed_one_by_one(sc: Any, tmp_path: Path) -> None:
    base = "mapreduce.output.fileoutputformat.compress"
    conf = {base: "true", f"{base}.type": "RECORD", f"{base}.codec": "org.apache.hadoop.io.compress.GzipCodec"}
    sc.parallelize(PAIRS["texts"], 1).saveAsHadoopFile(str(tmp_path / "out"), _OUT, conf=conf)
    assert sc.hadoopFile(str(tmp_path / "out"), _IN, _TEXT, _TEXT).collect() == PAIRS["texts"]


def test_the_new_api_and_data_sets(sc: Any, tmp_path: Path) -> None:
    data = [(1, ""), (1, "a"), (2, "bcdf")]
    out = {"mapreduce.output.fileoutputformat.outputdir": str(tmp_path / "set")}
    out["mapreduce.job.outputformat.class"] = f"{_NEW}output.SequenceFileOutputFormat"
    sc.parallelize(data).saveAsNewAPIHadoopDataset(out)
    read = {"mapreduce.input.fileinputformat.inputdir": str(tmp_path / "set")}
    found = sc.newAPIHadoopRDD(f"{_NEW}input.SequenceFileInputFormat", _INT, _TEXT, conf=read)
    assert sorted(found.collect()) == data
    sc.parallelize(data, 1).saveAsNewAPIHadoopFile(str(tmp_path / "text"), f"{_NEW}output.TextOutputFormat")
    lines = sc.newAPIHadoopFile(str(tmp_path / "text"), f"{_NEW}input.TextInputFormat", _INT, _TEXT, conf={})
    assert lines.collect() == [(0, "1\t"), (3, "1\ta"), (7, "2\tbcdf")]
    pairs = sc.newAPIHadoopFile(str(tmp_path / "text"), f"{_NEW}input.KeyValueTextInputFormat", _TEXT, _TEXT)
    assert pairs.collect() == [("1", ""), ("1", "a"), ("2", "bcdf")]


def test_text_shows_values_as_java_does(sc: Any, tmp_path: Path) -> None:
    pairs = [(1, 1e10), (2, float("nan")), (3, 0.1), (4, 1e-5), (5, 123456789.125), (6, -0.0), (7, 1e7), (8, 1e-3)]
    sc.parallelize(pairs, 1).saveAsHadoopFile(str(tmp_path / "out"), "org.apache.hadoop.mapred.TextOutputFormat")
    lines = [line.split("\t")[1] for line in sc.textFile(str(tmp_path / "out")).collect()]
    assert lines == ["1.0E10", "NaN", "0.1", "1.0E-5", "1.23456789125E8", "-0.0", "1.0E7", "0.001"]


REFUSED = {
    "a writable": lambda sc, path: sc.sequenceFile(path, "org.apache.hadoop.io.NotValidWritable", _TEXT),
    "an input format": lambda sc, path: sc.hadoopFile(
        path, "org.apache.hadoop.mapred.NotValidInputFormat", _INT, _TEXT
    ),
    "a format of the other API": lambda sc, path: sc.hadoopFile(path, f"{_NEW}input.TextInputFormat", _INT, _TEXT),
    "an output format": lambda sc, path: sc.parallelize([(1, 2)]).saveAsHadoopFile(path, "org.x.NotValidOutputFormat"),
    "a converter": lambda sc, path: sc.sequenceFile(path, keyConverter="org.x.NotValidConverter"),
    "a codec": lambda sc, path: sc.parallelize([(1, 2)]).saveAsSequenceFile(path, "org.x.NotValidCodec"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_refused_by_name(sc: Any, tmp_path: Path, case: str) -> None:
    with pytest.raises(PySparkNotImplementedError, match=r"NotValid|TextInputFormat"):
        REFUSED[case](sc, str(tmp_path / "out"))


def test_one_class_in_a_file(sc: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="wrong value class: org.apache.hadoop.io.LongWritable is not"):
        sc.parallelize([(1, 1), (2, 1 << 40)], 1).saveAsSequenceFile(str(tmp_path / "a"))
    with pytest.raises(Exception, match="is no pair"):
        sc.parallelize([[(1, "a")], [(2, "b")]], 2).saveAsSequenceFile(str(tmp_path / "b"))
    with pytest.raises(Exception, match="RDD is empty"):
        sc.emptyRDD().saveAsSequenceFile(str(tmp_path / "c"))


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"not one at all")
    with pytest.raises(ValueError, match="is not a SequenceFile"):
        list(sequence_files.read(path, 0, 100))
    whole = sequence_files.encode([(1, "abc")], sequence_files.Layout())
    path.write_bytes(whole[:-2])
    with pytest.raises(ValueError, match="ends in the middle"):
        list(sequence_files.read(path, 0, len(whole)))


def test_numbers_of_any_length() -> None:
    for value in (0, 1, -1, 127, 128, -112, -113, 255, 256, -256, -257, 1 << 31, -(1 << 31), (1 << 63) - 1, -(1 << 63)):
        assert Input(vlong(value)).vlong() == value
    assert [vlong(v).hex() for v in (127, 128, -112, -113, 65536)] == ["7f", "8f80", "90", "8770", "8d010000"]
