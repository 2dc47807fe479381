"""Functions that SQL cannot express, as Arrow kernels: Python functions from Arrow arrays to one Arrow array.

A template calls a kernel by its name, `kernel_<name>(...)`.  The name is all that the SQL text carries: the engine
looks for such names once per query and adds those that its database has not met, so a database that needs no kernel
imports none.  A kernel sees every row, NULLs included, in chunks of at most 2,048 rows, and raises
`penstock.functions.kernels.rows.raised(...)` for Spark's errors.

A new kernel is one function in a module here and one line in `_TABLE`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

KERNEL_PREFIX = "kernel_"
_NAME = re.compile(r"\bkernel_([a-z0-9_]+)\(")


@dataclass(frozen=True)
class Kernel:
    """One kernel: `function` in `module`, its DuckDB argument types, and its DuckDB result type."""

    name: str
    module: str
    takes: tuple[str, ...]
    gives: str

    def function(self) -> Any:
        """The Python function; imports its module."""
        return getattr(import_module(f"penstock.functions.kernels.{self.module}"), self.name)


#: module -> name -> argument types and result type
_TABLE: dict[str, dict[str, str]] = {
    "text": {
        "conv": "VARCHAR INTEGER INTEGER BOOLEAN -> VARCHAR",
        "mask": "VARCHAR VARCHAR VARCHAR VARCHAR VARCHAR -> VARCHAR",
        "soundex": "VARCHAR -> VARCHAR",
        "luhn_check": "VARCHAR -> BOOLEAN",
        "sentences": "VARCHAR -> VARCHAR[][]",
    },
    "printf": {
        "format_string": "VARCHAR VARCHAR VARCHAR[] -> VARCHAR",
    },
    "bytes": {
        "encode": "VARCHAR VARCHAR -> BLOB",
        "decode": "BLOB VARCHAR -> VARCHAR",
        "sha224": "BLOB -> VARCHAR",
        "sha384": "BLOB -> VARCHAR",
        "sha512": "BLOB -> VARCHAR",
        "crc32": "BLOB -> BIGINT",
        "is_valid_utf8": "BLOB -> BOOLEAN",
        "make_valid_utf8": "BLOB -> VARCHAR",
        "bitmap_or": "BLOB[] -> BLOB",
        "bitmap_and": "BLOB[] -> BLOB",
        "bitmap_construct": "BIGINT[] -> BLOB",
        "bitmap_count": "BLOB -> BIGINT",
    },
    "urls": {
        "url_encode": "VARCHAR -> VARCHAR",
        "url_decode": "VARCHAR BOOLEAN -> VARCHAR",
        "parse_url": "VARCHAR VARCHAR VARCHAR BOOLEAN -> VARCHAR",
    },
    "hashes": {
        "hash_int": "INTEGER INTEGER -> INTEGER",
        "hash_long": "BIGINT INTEGER -> INTEGER",
        "hash_bytes": "BLOB INTEGER -> INTEGER",
        "xxhash_int": "INTEGER BIGINT -> BIGINT",
        "xxhash_long": "BIGINT BIGINT -> BIGINT",
        "xxhash_bytes": "BLOB BIGINT -> BIGINT",
        "float_bits": "FLOAT -> INTEGER",
        "double_bits": "DOUBLE -> BIGINT",
        "decimal_bytes": "VARCHAR -> BLOB",
    },
    "aes": {
        "aes_encrypt": "BLOB BLOB VARCHAR VARCHAR BLOB BLOB -> BLOB",
        "aes_decrypt": "BLOB BLOB VARCHAR VARCHAR BLOB BOOLEAN -> BLOB",
    },
    "numbers": {
        "to_char": "VARCHAR VARCHAR -> VARCHAR",
        "to_number": "VARCHAR VARCHAR BOOLEAN -> VARCHAR",
    },
    "xml": {
        "xpath_list": "VARCHAR VARCHAR -> VARCHAR[]",
        "xpath_string": "VARCHAR VARCHAR -> VARCHAR",
        "xpath_number": "VARCHAR VARCHAR -> DOUBLE",
        "xpath_boolean": "VARCHAR VARCHAR -> BOOLEAN",
    },
    "documents": {
        "csv_to_json": "VARCHAR VARCHAR VARCHAR -> VARCHAR",
        "xml_to_json": "VARCHAR VARCHAR VARCHAR -> VARCHAR",
        "json_to_xml": "VARCHAR VARCHAR -> VARCHAR",
    },
    "geometry": {
        "checked_wkb": "BLOB BOOLEAN -> BLOB",
    },
    "sketches": {
        "count_min_sketch": "BIGINT[] DOUBLE DOUBLE BIGINT -> BLOB",
    },
    "variant": {
        "parse_json": "VARCHAR BOOLEAN -> VARIANT",
        "variant_at": "VARIANT VARCHAR -> VARIANT",
        "variant_text": "VARIANT -> VARCHAR",
        "variant_json": "VARIANT -> VARCHAR",
        "variant_scalar": "VARIANT VARCHAR BOOLEAN -> VARCHAR",
        "is_variant_null": "VARIANT -> BOOLEAN",
        "is_valid_variant": "VARIANT -> BOOLEAN",
        "schema_of_variant": "VARIANT -> VARCHAR",
        "schema_of_variants": "VARIANT[] -> VARCHAR",
        "variant_members": "VARIANT -> MEMBERS[]",
    },
    "vectors": {
        "vector_inner_product": "FLOAT[] FLOAT[] -> FLOAT",
        "vector_cosine_similarity": "FLOAT[] FLOAT[] -> FLOAT",
        "vector_l2_distance": "FLOAT[] FLOAT[] -> FLOAT",
        "vector_norm": "FLOAT[] FLOAT -> FLOAT",
        "vector_normalize": "FLOAT[] FLOAT -> FLOAT[]",
        "vector_sum": "FLOAT[][] -> FLOAT[]",
        "vector_avg": "FLOAT[][] -> FLOAT[]",
    },
}  # fmt: skip


#: words of signatures that stand for longer types
_VARIANT = "STRUCT(value BLOB, metadata BLOB)"
_WORDS = {"VARIANT": _VARIANT, "MEMBERS": f"STRUCT(g0 INTEGER, g1 VARCHAR, g2 {_VARIANT})"}


def _kernels() -> Iterator[Kernel]:
    for module, kernels in _TABLE.items():
        for name, signature in kernels.items():
            takes, gives = signature.split(" -> ")
            yield Kernel(name, module, tuple(_written_out(word) for word in takes.split()), _written_out(gives))


def _written_out(word: str) -> str:
    bare = word.rstrip("[]")
    return _WORDS.get(bare, bare) + word[len(bare) :]


KERNELS: dict[str, Kernel] = {kernel.name: kernel for kernel in _kernels()}


class KernelSet:
    """The kernels that one database has; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._installed: set[str] = set()

    def install(self, connection: Any, sql: str) -> None:
        """Add the kernels that `sql` names to the connection's database."""
        wanted = {name for name in _NAME.findall(sql) if name in KERNELS}
        if wanted <= self._installed:
            return
        with self._lock:
            for name in sorted(wanted - self._installed):
                kernel = KERNELS[name]
                connection.create_function(
                    KERNEL_PREFIX + name, kernel.function(), list(kernel.takes), kernel.gives, type="arrow",
                    null_handling="special",
                )  # fmt: skip
                self._installed.add(name)
