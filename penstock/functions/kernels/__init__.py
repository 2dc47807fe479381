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

from penstock.core import row_functions

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
        "levenshtein": "VARCHAR VARCHAR -> INTEGER",
        "luhn_check": "VARCHAR -> BOOLEAN",
        "sentences": "VARCHAR -> VARCHAR[][]",
    },
    "letters": {
        "java_upper": "VARCHAR -> VARCHAR",
        "java_lower": "VARCHAR -> VARCHAR",
        "java_initcap": "VARCHAR -> VARCHAR",
    },
    "splitting": {
        "split": "VARCHAR VARCHAR INTEGER -> VARCHAR[]",
        "pairs": "VARCHAR VARCHAR VARCHAR -> STRUCT(k VARCHAR[], v VARCHAR[])",
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
    "geometry": {
        "checked_wkb": "BLOB BOOLEAN -> BLOB",
        "wkb_in_order": "BLOB VARCHAR -> BLOB",
        "checked_srid": "INTEGER BOOLEAN -> INTEGER",
    },
    "fdlibm": {
        "java_exp": "DOUBLE -> DOUBLE",
        "java_expm1": "DOUBLE -> DOUBLE",
        "java_cosh": "DOUBLE -> DOUBLE",
        "java_sinh": "DOUBLE -> DOUBLE",
        "java_tanh": "DOUBLE -> DOUBLE",
        "java_ln": "DOUBLE -> DOUBLE",
        "java_log10": "DOUBLE -> DOUBLE",
        "java_log1p": "DOUBLE -> DOUBLE",
        "java_log2": "DOUBLE -> DOUBLE",
        "java_cbrt": "DOUBLE -> DOUBLE",
        "java_acosh": "DOUBLE -> DOUBLE",
        "java_atanh": "DOUBLE -> DOUBLE",
        "java_hypot": "DOUBLE DOUBLE -> DOUBLE",
    },
    "randoms": {
        "random_double": "BIGINT BIGINT -> DOUBLE",
        "random_normal": "BIGINT BIGINT -> DOUBLE",
        "random_text": "INTEGER BIGINT BIGINT -> VARCHAR",
        "shuffled_positions": "BIGINT BIGINT BIGINT -> INTEGER[]",
    },
    "histograms": {
        "histogram": "DOUBLE[] INTEGER -> DOUBLE[]",
        "merge_histograms": "DOUBLE[] DOUBLE[] INTEGER -> DOUBLE[]",
    },
    "hyperloglog": {
        "register_updates": "BIGINT INTEGER -> INTEGER",
        "registers": "INTEGER[] INTEGER -> BLOB",
        "merge_registers": "BLOB BLOB -> BLOB",
        "cardinality": "BLOB -> BIGINT",
    },
    "moments": {
        "central_moments": "DOUBLE[] -> DOUBLE[]",
        "pair_moments": "DOUBLE[] DOUBLE[] -> DOUBLE[]",
        "merge_central_moments": "DOUBLE[] DOUBLE[] -> DOUBLE[]",
        "merge_pair_moments": "DOUBLE[] DOUBLE[] -> DOUBLE[]",
    },
    "sketches": {
        "count_min_sketch": "BIGINT[] DOUBLE DOUBLE BIGINT -> BLOB",
        "count_min_sketch_bytes": "BLOB[] DOUBLE DOUBLE BIGINT -> BLOB",
        "count_min_sum": "BLOB[] -> BLOB",
    },
    "sketches_hll": {
        "hll_agg_long": "BIGINT[] INTEGER -> BLOB",
        "hll_agg_text": "VARCHAR[] INTEGER -> BLOB",
        "hll_agg_bytes": "BLOB[] INTEGER -> BLOB",
        "hll_union": "BLOB[] BOOLEAN VARCHAR -> BLOB",
        "hll_estimate": "BLOB -> BIGINT",
    },
    "thetas": {
        "theta_agg_long": "BIGINT[] INTEGER -> BLOB",
        "theta_agg_double": "DOUBLE[] INTEGER -> BLOB",
        "theta_agg_text": "VARCHAR[] INTEGER -> BLOB",
        "theta_agg_bytes": "BLOB[] INTEGER -> BLOB",
        "theta_agg_ints": "INTEGER[][] INTEGER -> BLOB",
        "theta_agg_longs": "BIGINT[][] INTEGER -> BLOB",
        "theta_union": "BLOB[] INTEGER VARCHAR -> BLOB",
        "theta_intersection": "BLOB[] VARCHAR -> BLOB",
        "theta_difference": "BLOB BLOB -> BLOB",
        "theta_estimate": "BLOB -> BIGINT",
    },
    "tuples": {
        "tuple_agg_double_long": "BIGINT[] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_double_double": "DOUBLE[] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_double_text": "VARCHAR[] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_double_bytes": "BLOB[] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_double_ints": "INTEGER[][] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_double_longs": "BIGINT[][] DOUBLE[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_long": "BIGINT[] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_double": "DOUBLE[] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_text": "VARCHAR[] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_bytes": "BLOB[] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_ints": "INTEGER[][] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_agg_integer_longs": "BIGINT[][] INTEGER[] INTEGER VARCHAR -> BLOB",
        "tuple_union": "BLOB[] INTEGER VARCHAR VARCHAR VARCHAR -> BLOB",
        "tuple_intersection": "BLOB[] VARCHAR VARCHAR VARCHAR -> BLOB",
        "tuple_difference": "BLOB BLOB VARCHAR -> BLOB",
        "tuple_difference_theta": "BLOB BLOB VARCHAR -> BLOB",
        "tuple_union_theta": "BLOB BLOB INTEGER VARCHAR VARCHAR -> BLOB",
        "tuple_intersection_theta": "BLOB BLOB VARCHAR VARCHAR -> BLOB",
        "tuple_estimate": "BLOB VARCHAR -> DOUBLE",
        "tuple_theta": "BLOB VARCHAR -> DOUBLE",
        "tuple_summary_double": "BLOB VARCHAR -> DOUBLE",
        "tuple_summary_integer": "BLOB VARCHAR -> BIGINT",
    },
    "sketches_kll": {
        "kll_agg_bigint": "BIGINT[] INTEGER -> BLOB",
        "kll_quantiles_bigint": "BLOB DOUBLE[] -> BIGINT[]",
        "kll_ranks_bigint": "BLOB BIGINT[] -> DOUBLE[]",
        "kll_agg_double": "DOUBLE[] INTEGER -> BLOB",
        "kll_quantiles_double": "BLOB DOUBLE[] -> DOUBLE[]",
        "kll_ranks_double": "BLOB DOUBLE[] -> DOUBLE[]",
        "kll_agg_float": "FLOAT[] INTEGER -> BLOB",
        "kll_quantiles_float": "BLOB DOUBLE[] -> FLOAT[]",
        "kll_ranks_float": "BLOB FLOAT[] -> DOUBLE[]",
        "kll_merge": "BLOB[] INTEGER VARCHAR VARCHAR -> BLOB",
        "kll_merge_two": "BLOB BLOB VARCHAR -> BLOB",
        "kll_n": "BLOB VARCHAR -> BIGINT",
        "kll_text": "BLOB VARCHAR -> VARCHAR",
    },
    "frequent_items": {
        "items_count_byte": "TINYINT[] INTEGER VARCHAR -> BLOB",
        "items_top_byte": "BLOB INTEGER VARCHAR -> STRUCT(item TINYINT, count BIGINT)[]",
        "items_top_of_byte": "TINYINT[] INTEGER INTEGER VARCHAR -> STRUCT(item TINYINT, count BIGINT)[]",
        "items_count_short": "SMALLINT[] INTEGER VARCHAR -> BLOB",
        "items_top_short": "BLOB INTEGER VARCHAR -> STRUCT(item SMALLINT, count BIGINT)[]",
        "items_top_of_short": "SMALLINT[] INTEGER INTEGER VARCHAR -> STRUCT(item SMALLINT, count BIGINT)[]",
        "items_count_int": "INTEGER[] INTEGER VARCHAR -> BLOB",
        "items_top_int": "BLOB INTEGER VARCHAR -> STRUCT(item INTEGER, count BIGINT)[]",
        "items_top_of_int": "INTEGER[] INTEGER INTEGER VARCHAR -> STRUCT(item INTEGER, count BIGINT)[]",
        "items_count_long": "BIGINT[] INTEGER VARCHAR -> BLOB",
        "items_top_long": "BLOB INTEGER VARCHAR -> STRUCT(item BIGINT, count BIGINT)[]",
        "items_top_of_long": "BIGINT[] INTEGER INTEGER VARCHAR -> STRUCT(item BIGINT, count BIGINT)[]",
        "items_count_float": "FLOAT[] INTEGER VARCHAR -> BLOB",
        "items_top_float": "BLOB INTEGER VARCHAR -> STRUCT(item FLOAT, count BIGINT)[]",
        "items_top_of_float": "FLOAT[] INTEGER INTEGER VARCHAR -> STRUCT(item FLOAT, count BIGINT)[]",
        "items_count_double": "DOUBLE[] INTEGER VARCHAR -> BLOB",
        "items_top_double": "BLOB INTEGER VARCHAR -> STRUCT(item DOUBLE, count BIGINT)[]",
        "items_top_of_double": "DOUBLE[] INTEGER INTEGER VARCHAR -> STRUCT(item DOUBLE, count BIGINT)[]",
        "items_count_text": "VARCHAR[] INTEGER VARCHAR -> BLOB",
        "items_top_text": "BLOB INTEGER VARCHAR -> STRUCT(item VARCHAR, count BIGINT)[]",
        "items_top_of_text": "VARCHAR[] INTEGER INTEGER VARCHAR -> STRUCT(item VARCHAR, count BIGINT)[]",
        "items_count_boolean": "BOOLEAN[] INTEGER VARCHAR -> BLOB",
        "items_top_boolean": "BLOB INTEGER VARCHAR -> STRUCT(item BOOLEAN, count BIGINT)[]",
        "items_top_of_boolean": "BOOLEAN[] INTEGER INTEGER VARCHAR -> STRUCT(item BOOLEAN, count BIGINT)[]",
        "items_count_decimal": "VARCHAR[] INTEGER VARCHAR -> BLOB",
        "items_top_decimal": "BLOB INTEGER VARCHAR -> STRUCT(item VARCHAR, count BIGINT)[]",
        "items_top_of_decimal": "VARCHAR[] INTEGER INTEGER VARCHAR -> STRUCT(item VARCHAR, count BIGINT)[]",
        "items_combine": "BLOB[] INTEGER VARCHAR -> BLOB",
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
        "variant_field": "VARIANT VARCHAR -> VARIANT",
        "variant_shaped": "VARIANT VARCHAR VARCHAR BOOLEAN -> VARIANT",
    },
    "variant_kinds": {
        "variant_kind": "VARIANT[] -> VARCHAR",
        "merged_variant_kind": "VARCHAR VARCHAR -> VARCHAR",
        "variant_kind_text": "VARCHAR -> VARCHAR",
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


def _parts(kernel: Kernel) -> tuple[Any, tuple[str, ...], str]:
    return kernel.function(), kernel.takes, kernel.gives


class KernelSet:
    """The kernels that one database has; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._installed: set[str] = set()

    def install(self, connection: Any, sql: str) -> None:
        """Add the kernels that `sql` names to the connection's database."""
        wanted = {name for name in _NAME.findall(sql) if name in KERNELS or row_functions.find(name) is not None}
        if wanted <= self._installed:
            return
        with self._lock:
            for name in sorted(wanted - self._installed):
                made = row_functions.find(name)
                function, takes, gives = (made.function, made.takes, made.gives) if made else _parts(KERNELS[name])
                connection.create_function(
                    KERNEL_PREFIX + name, function, list(takes), gives, type="arrow", null_handling="special"
                )
                self._installed.add(name)
