"""The input and output formats of Hadoop that Spark's Python programs name: text and SequenceFiles.

They are named by their Java class; others are refused by that name.  Keys and values are what writables.py says.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from penstock.rdd import saving, sequence_files
from penstock.rdd.base import refuse
from penstock.rdd.errors import Refused
from penstock.rdd.sequence_files import Layout
from penstock.rdd.writables import writable_of

_OLD, _NEW_IN, _NEW_OUT = (
    "org.apache.hadoop.mapred.",
    "org.apache.hadoop.mapreduce.lib.input.",
    "org.apache.hadoop.mapreduce.lib.output.",
)
#: One split of a file to pairs.
Reader = Callable[[Path, int, float], Iterator[tuple[Any, Any]]]

_ALIASES = {
    "mapreduce.input.fileinputformat.inputdir": ("mapred.input.dir",),
    "mapreduce.output.fileoutputformat.outputdir": ("mapred.output.dir",),
    "mapreduce.job.outputformat.class": ("mapred.output.format.class",),
    "mapreduce.job.output.key.class": ("mapred.output.key.class",),
    "mapreduce.job.output.value.class": ("mapred.output.value.class",),
    "mapreduce.output.fileoutputformat.compress": ("mapred.output.compress",),
    "mapreduce.output.fileoutputformat.compress.codec": ("mapred.output.compression.codec",),
    "mapreduce.output.fileoutputformat.compress.type": ("mapred.output.compression.type",),
}


def setting(conf: Mapping[str, str] | None, key: str, default: str | None = None) -> str | None:
    """A setting by its name or by one that it had before."""
    for name in (key, *_ALIASES.get(key, ())):
        if conf and name in conf:
            return conf[name]
    return default


def required(conf: Mapping[str, str] | None, key: str) -> str:
    """The same; without it: ValueError."""
    found = setting(conf, key)
    if found is None:
        raise Refused(f"The configuration has no {key}")
    return found


def no_converters(*converters: str | None) -> None:
    """Converters are classes of the JVM."""
    for name in converters:
        if name is not None:
            raise refuse(f"The converter {name}: it is a class of the JVM. Use map on the RDD")


# ---------------------------------------------------------------- input


def _text(path: Path, start: int, end: float) -> Iterator[tuple[int, str]]:
    place = 0
    with saving.open_binary(path) as file:
        if start:
            file.seek(start)
            place = start + len(file.readline())
        for raw in file:
            if place > end:
                return
            yield place, raw.rstrip(b"\r\n").decode("utf-8", "replace")
            place += len(raw)


def _key_value(path: Path, start: int, end: float) -> Iterator[tuple[str, str]]:
    for _, line in _text(path, start, end):
        key, _, value = line.partition("\t")
        yield key, value


_INPUTS: dict[str, Reader] = {
    "TextInputFormat": _text,
    "KeyValueTextInputFormat": _key_value,
    "SequenceFileInputFormat": sequence_files.read,
}


def input_format(name: str, new: bool) -> Reader:
    """The reader of a format of the old or of the new API."""
    package = _NEW_IN if new else _OLD
    found = _INPUTS.get(name.removeprefix(package))
    if not name.startswith(package) or found is None:
        known = ", ".join(package + known for known in _INPUTS)
        raise refuse(f"The input format {name}: there are {known}")
    return found


# ---------------------------------------------------------------- output

#: Pairs, the layout and the text separator to a file's bytes.
Encoder = Callable[[Iterable[Any], Layout], bytes]


def _as_text(pairs: Iterable[Any], layout: Layout) -> bytes:
    lines = b"".join(_line(key, value) for key, value in pairs)
    return sequence_files.codec(layout.codec)[0](lines) if layout.codec is not None else lines


def _line(key: Any, value: Any) -> bytes:
    return "\t".join(_shown(x) for x in (key, value) if x is not None).encode() + b"\n"


def _shown(value: Any) -> str:
    """As the Writable's toString."""
    kind = writable_of(value).name.rpartition(".")[2]
    if kind == "BooleanWritable":
        return str(value).lower()
    if kind == "DoubleWritable":
        return java_double(value)
    if kind == "BytesWritable":
        return bytes(value).hex(" ")
    if kind == "MapWritable":
        return "{" + ", ".join(f"{_shown(k)}={_shown(v)}" for k, v in value.items()) + "}"
    return "(null)" if value is None else str(value)


def java_double(value: float) -> str:
    """A number as Java shows it: 1.0E10, 1.0E-5, NaN, Infinity."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value) if "e" not in repr(value) else f"{decimal.Decimal(repr(value)):f}"
    sign, digits, _ = decimal.Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    exponent = decimal.Decimal(repr(value)).adjusted()
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{exponent}"


_OUTPUTS: dict[str, Encoder] = {"TextOutputFormat": _as_text, "SequenceFileOutputFormat": sequence_files.encode}


def output_format(name: str, new: bool) -> Encoder:
    """The writer of a format of the old or of the new API."""
    package = _NEW_OUT if new else _OLD
    found = _OUTPUTS.get(name.removeprefix(package))
    if not name.startswith(package) or found is None:
        known = ", ".join(package + known for known in _OUTPUTS)
        raise refuse(f"The output format {name}: there are {known}")
    return found


def file_suffix(encoder: Encoder, layout: Layout) -> str:
    """What a file's name ends in: that of the codec, for text."""
    if encoder is not _as_text or layout.codec is None:
        return ""
    kind = layout.codec.rpartition(".")[2]
    return {"GzipCodec": ".gz", "BZip2Codec": ".bz2"}.get(kind, ".deflate")


def layout_of(conf: Mapping[str, str] | None, key: str | None, value: str | None, codec: str | None) -> Layout:
    """What the arguments say, and where they don't the configuration."""
    compress = "mapreduce.output.fileoutputformat.compress"
    blocks = codec is not None
    if codec is None and setting(conf, compress, "false") == "true":
        codec = setting(conf, f"{compress}.codec", "org.apache.hadoop.io.compress.DefaultCodec")
        blocks = setting(conf, f"{compress}.type", "RECORD") == "BLOCK"
    if codec is not None:
        sequence_files.codec(codec)
    return Layout(
        key or setting(conf, "mapreduce.job.output.key.class"),
        value or setting(conf, "mapreduce.job.output.value.class"),
        codec,
        blocks,
    )
