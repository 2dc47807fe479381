"""The calls of a SparkContext and of an RDD that name Hadoop's formats."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.core.files import fs
from penstock.rdd import hadoop_formats as formats
from penstock.rdd import saving
from penstock.rdd.errors import Refused
from penstock.rdd.nodes import Generated
from penstock.rdd.numbers import Numbers
from penstock.rdd.sequence_files import Layout
from penstock.rdd.writables import writable, writable_of

if TYPE_CHECKING:
    from penstock.rdd.rdd import RDD

Conf = dict[str, str] | None
_SEQUENCE_IN = "org.apache.hadoop.mapred.SequenceFileInputFormat"
_SEQUENCE_OUT = "org.apache.hadoop.mapred.SequenceFileOutputFormat"
_OUTPUT_FORMAT = "mapreduce.job.outputformat.class"
_INPUT_PATH = "mapreduce.input.fileinputformat.inputdir"
_OUTPUT_PATH = "mapreduce.output.fileoutputformat.outputdir"


class HadoopInputs:
    """Reading."""

    def _rdd(self, node: Any) -> RDD:
        raise NotImplementedError

    def _default_slices(self) -> int:
        raise NotImplementedError

    def _files_of(self, name: str) -> list[Path]:
        raise NotImplementedError

    def sequenceFile(
        self,
        path: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        minSplits: int | None = None,
        batchSize: int = 0,
    ) -> RDD:
        """The pairs of SequenceFiles.  The files name their classes; `keyClass` and `valueClass` are checked to be
        known, `batchSize` says nothing where nothing is pickled."""
        return self._pairs_of(
            path, _SEQUENCE_IN, False, (keyClass, valueClass), (keyConverter, valueConverter), minSplits
        )

    def hadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
        batchSize: int = 0,
    ) -> RDD:
        """The pairs of files of a format of Hadoop's old API."""
        return self._pairs_of(path, inputFormatClass, False, (keyClass, valueClass), (keyConverter, valueConverter))

    def newAPIHadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
        batchSize: int = 0,
    ) -> RDD:
        """The pairs of files of a format of Hadoop's new API."""
        return self._pairs_of(path, inputFormatClass, True, (keyClass, valueClass), (keyConverter, valueConverter))

    def hadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
        batchSize: int = 0,
    ) -> RDD:
        """The same; the path is in `conf`: mapreduce.input.fileinputformat.inputdir."""
        path = formats.required(conf, _INPUT_PATH)
        return self.hadoopFile(path, inputFormatClass, keyClass, valueClass, keyConverter, valueConverter)

    def newAPIHadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
        batchSize: int = 0,
    ) -> RDD:
        """As hadoopRDD with Hadoop's new API."""
        path = formats.required(conf, _INPUT_PATH)
        return self.newAPIHadoopFile(path, inputFormatClass, keyClass, valueClass, keyConverter, valueConverter)

    def _pairs_of(
        self,
        path: str,
        name: str,
        new: bool,
        classes: tuple[str | None, str | None],
        converters: tuple[str | None, str | None],
        splits: int | None = None,
    ) -> RDD:
        formats.no_converters(*converters)
        read = formats.input_format(name, new)
        _check_known(*classes)
        wanted = splits if splits is not None else min(self._default_slices(), 2)
        found = saving.file_splits(self._files_of(path), wanted)
        return self._rdd(Generated(len(found), lambda i: read(*found[i]), f"{path} HadoopRDD"))


class HadoopOutputs(Numbers):
    """Writing."""

    _save: Callable[[str, str, Callable[[Path, Iterable[Any]], None]], None]

    def saveAsSequenceFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Pairs as SequenceFiles; the classes are those of the first pair.  With a codec compressed in blocks."""
        self.saveAsHadoopFile(path, _SEQUENCE_OUT, compressionCodecClass=compressionCodecClass)

    def saveAsHadoopFile(
        self,
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
        compressionCodecClass: str | None = None,
    ) -> None:
        """Pairs as files of a format of Hadoop's old API."""
        layout = formats.layout_of(conf, keyClass, valueClass, compressionCodecClass)
        self._save_pairs(path, outputFormatClass, False, (keyConverter, valueConverter), layout)

    def saveAsNewAPIHadoopFile(
        self,
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Conf = None,
    ) -> None:
        """Pairs as files of a format of Hadoop's new API."""
        layout = formats.layout_of(conf, keyClass, valueClass, None)
        self._save_pairs(path, outputFormatClass, True, (keyConverter, valueConverter), layout)

    def saveAsHadoopDataset(
        self, conf: dict[str, str], keyConverter: str | None = None, valueConverter: str | None = None
    ) -> None:
        """As saveAsHadoopFile; all in `conf`."""
        self._save_dataset(conf, (keyConverter, valueConverter), new=False)

    def saveAsNewAPIHadoopDataset(
        self, conf: dict[str, str], keyConverter: str | None = None, valueConverter: str | None = None
    ) -> None:
        """As saveAsNewAPIHadoopFile; all in `conf`."""
        self._save_dataset(conf, (keyConverter, valueConverter), new=True)

    def _save_dataset(self, conf: dict[str, str], converters: tuple[str | None, str | None], new: bool) -> None:
        path, name = formats.required(conf, _OUTPUT_PATH), formats.required(conf, _OUTPUT_FORMAT)
        self._save_pairs(path, name, new, converters, formats.layout_of(conf, None, None, None))

    def _save_pairs(
        self, path: str, name: str, new: bool, converters: tuple[str | None, str | None], layout: Layout
    ) -> None:
        """The first pair says which classes the files of all partitions have, where nothing else does."""
        formats.no_converters(*converters)
        encoder = formats.output_format(name, new)
        _check_known(layout.key, layout.value)
        if layout.key is None or layout.value is None:
            key, value = _first_pair(self.take(1))
            layout = replace(layout, key=layout.key or key, value=layout.value or value)
        fixed = layout

        def write(file: Path, elements: Iterable[Any]) -> None:
            fs.write_atomic(file, encoder(elements, fixed))

        self._save(path, formats.file_suffix(encoder, layout), write)


def _check_known(*classes: str | None) -> None:
    for kind in classes:
        if kind is not None:
            writable(kind)


def _first_pair(found: list[Any]) -> Iterator[str]:
    if not found:
        raise Refused("RDD is empty: name the classes of its keys and values")
    if not isinstance(found[0], (tuple, list)) or len(found[0]) != 2:
        raise Refused(f"RDD element of type {type(found[0]).__name__} cannot be used: {found[0]!r} is no pair")
    return iter([writable_of(member).name for member in found[0]])
