"""KLL quantile sketches of Apache DataSketches, by its own Python package; bytes are the compact form.

Beyond k values a sketch forgets some of them at random, in this library as in Spark's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.needs import datasketches
from penstock.functions.kernels.rows import by_row, raised
from penstock.functions.literals import double_text

_ARROW = {"bigint": pa.int64(), "float": pa.float32(), "double": pa.float64()}


def _new(kind: str, k: int) -> Any:
    ds = datasketches()
    return {"bigint": ds.kll_items_sketch, "float": ds.kll_floats_sketch, "double": ds.kll_doubles_sketch}[kind](k)


def _dump(kind: str, sketch: Any) -> bytes:
    return bytes(sketch.serialize(datasketches().PyLongsSerDe()) if kind == "bigint" else sketch.serialize())


def _invalid(name: str, reason: object) -> ValueError:
    return raised(
        "KLL_INVALID_INPUT_SKETCH_BUFFER", f"The input of `{name}` is no KLL sketch of this kind.", sqlstate="22000",
        function=f"`{name}`", reason=reason,
    )  # fmt: skip


def _load(kind: str, data: bytes, name: str) -> Any:
    empty = _new(kind, 200)
    try:
        return (
            type(empty).deserialize(data, datasketches().PyLongsSerDe())
            if kind == "bigint" else type(empty).deserialize(data)
        )  # fmt: skip
    except (ValueError, RuntimeError, IndexError, TypeError) as error:
        raise _invalid(name, error) from error


def _merged(kind: str, sketches: Sequence[Any], k: int) -> bytes:
    """All sketches in a new one of size k; 0: the size of the first."""
    result = _new(kind, k or (sketches[0].k if sketches else 200))
    for sketch in sketches:
        result.merge(sketch)
    return _dump(kind, result)


def _aggregate(kind: str) -> Any:
    @by_row(pa.binary())
    def kernel(values: list[Any], k: int) -> bytes:
        present = [v for v in values if v is not None]
        sketch = _new(kind, k)
        if kind == "bigint":
            for value in present:
                sketch.update(value)
        elif present:
            sketch.update(np.array(present, np.float64 if kind == "double" else np.float32))
        return _merged(kind, [sketch], k)

    return kernel


kll_agg_bigint, kll_agg_double, kll_agg_float = _aggregate("bigint"), _aggregate("double"), _aggregate("float")


@by_row(pa.binary())
def kll_merge(sketches: list[bytes | None], k: int, kind: str, name: str) -> bytes:
    """All sketches in one of size k; 0: the size of the first, and then without the last step of Spark's, which puts
    the result into an empty sketch once more."""
    merged = _merged(kind, [_load(kind, data, name) for data in sketches if data is not None], k)
    return _merged(kind, [_load(kind, merged, name)], k) if k else merged


@by_row(pa.binary())
def kll_merge_two(left: bytes, right: bytes, kind: str) -> bytes:
    """The left sketch after it has taken in the right one."""
    name = f"kll_sketch_merge_{kind}"
    sketch = _load(kind, left, name)
    sketch.merge(_load(kind, right, name))
    return _dump(kind, sketch)


@by_row(pa.int64())
def kll_n(sketch: bytes, kind: str) -> int:
    return int(_load(kind, sketch, f"kll_sketch_get_n_{kind}").n)


_JAVA = {"bigint": ("Longs", 8), "double": ("Doubles", 8), "float": ("Floats", 4)}
_LEVEL_0_SORTED, _M = 2, 8


def _capacity(k: int, levels: int) -> int:
    """How many items a sketch of so many levels holds: two thirds from level to level, but at least 8."""
    return sum(max(_M, ((2 * k << depth) // 3**depth + 1) >> 1) for depth in range(levels))


@by_row(pa.string())
def kll_text(data: bytes, kind: str) -> str:
    """What Spark's library prints of a sketch."""
    sketch = _load(kind, data, f"kll_sketch_to_string_{kind}")
    (name, size), empty = _JAVA[kind], sketch.is_empty()
    levels = data[18] if len(data) > 20 else 1
    room = _capacity(sketch.k, levels)
    facts = {
        "K": sketch.k, "Dynamic min K": int.from_bytes(data[16:18], "little") if len(data) > 20 else sketch.k, "M": _M,
        "N": sketch.n, "Epsilon": f"{sketch.normalized_rank_error(False):.3%}",
        "Epsilon PMF": f"{sketch.normalized_rank_error(True):.3%}", "Empty": _flag(empty),
        "Estimation Mode": _flag(sketch.is_estimation_mode()), "Levels": levels,
        "Level 0 Sorted": _flag(data[3] & _LEVEL_0_SORTED), "Capacity Items": room,
        "Retained Items": sketch.num_retained, "Free Space": room - sketch.num_retained, "ReadOnly": "false",
        "Updatable Storage Bytes": 20 + 4 * (levels + 1) + (room + 2) * size, "Compact Storage Bytes": len(data),
        "Min Item": _item(None if empty else sketch.get_min_value(), kind),
        "Max Item": _item(None if empty else sketch.get_max_value(), kind),
    }  # fmt: skip
    lines = "".join(f"   {key:<23}: {value}\n" for key, value in facts.items())
    return f"\n### KllKll{name}Sketch Summary:\n{lines}### End sketch summary\n"


def _flag(value: object) -> str:
    return "true" if value else "false"


def _item(value: Any, kind: str) -> str:
    if value is None:
        return "NaN"
    return str(value) if kind == "bigint" else double_text(float(value))


def _filled(kind: str, data: bytes, name: str) -> Any:
    sketch = _load(kind, data, name)
    if sketch.is_empty():
        raise _invalid(name, "the sketch is empty")
    return sketch


def _quantiles(kind: str) -> Any:
    name = f"kll_sketch_get_quantile_{kind}"

    def one(sketch: Any, rank: float) -> Any:
        if not 0 <= rank <= 1:
            raise raised(
                "KLL_SKETCH_INVALID_QUANTILE_RANGE", f"A rank of `{name}` lies between 0 and 1, unlike {rank}.",
                sqlstate="22003", functionName=f"`{name}`", quantile=rank,
            )  # fmt: skip
        return sketch.get_quantile(rank, True)

    return _each(kind, name, one, _ARROW[kind])


def _ranks(kind: str) -> Any:
    return _each(kind, f"kll_sketch_get_rank_{kind}", lambda sketch, value: sketch.get_rank(value, True), pa.float64())


def _each(kind: str, name: str, one: Callable[[Any, Any], Any], result: pa.DataType) -> Any:
    @by_row(pa.list_(result))
    def kernel(sketch: bytes, values: Iterable[Any]) -> list[Any]:
        loaded = _filled(kind, sketch, name)
        return [one(loaded, value) for value in values]

    return kernel


kll_quantiles_bigint, kll_ranks_bigint = _quantiles("bigint"), _ranks("bigint")
kll_quantiles_double, kll_ranks_double = _quantiles("double"), _ranks("double")
kll_quantiles_float, kll_ranks_float = _quantiles("float"), _ranks("float")
