"""Kernels over vectors of FLOAT, added up in FLOAT as Spark does, eight numbers at a time."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

F = np.float32
Vector = list[float | None]


def _vector(values: Vector) -> np.ndarray | None:
    return None if None in values else np.array(values, F)


def _same_length(name: str, a: Vector, b: Vector) -> None:
    if len(a) != len(b):
        raise raised(
            "VECTOR_DIMENSION_MISMATCH", f"`{name}` takes vectors of one length, not {len(a)} and {len(b)}.",
            sqlstate="22000", kind="runtime", functionName=f"`{name}`", leftDim=len(a), rightDim=len(b),
        )  # fmt: skip


def _sum(terms: np.ndarray) -> np.floating:
    total = F(0)
    whole = len(terms) // 8 * 8
    for at in range(0, whole, 8):
        part = terms[at]
        for term in terms[at + 1 : at + 8]:
            part = part + term
        total = total + part
    for term in terms[whole:]:
        total = total + term
    return total


@by_row(pa.float32())
def vector_inner_product(a: Vector, b: Vector) -> float | None:
    _same_length("vector_inner_product", a, b)
    x, y = _vector(a), _vector(b)
    return None if x is None or y is None else float(_sum(x * y))


@by_row(pa.float32())
def vector_cosine_similarity(a: Vector, b: Vector) -> float | None:
    """NULL for a vector of length 0 or of zeros."""
    _same_length("vector_cosine_similarity", a, b)
    x, y = _vector(a), _vector(b)
    if x is None or y is None or not a:
        return None
    norms = F(math.sqrt(float(_sum(x * x) * _sum(y * y))))
    return None if norms == 0 else float(_sum(x * y) / norms)


@by_row(pa.float32())
def vector_l2_distance(a: Vector, b: Vector) -> float | None:
    _same_length("vector_l2_distance", a, b)
    x, y = _vector(a), _vector(b)
    return None if x is None or y is None else float(F(math.sqrt(float(_sum((x - y) * (x - y))))))


def _norm(x: np.ndarray, degree: float) -> np.floating:
    if degree == 1:
        return _sum(np.abs(x))
    if degree == 2:
        return F(math.sqrt(float(_sum(x * x))))
    if math.isinf(degree) and degree > 0:
        return np.max(np.abs(x)) if len(x) else F(0)
    raise raised(
        "INVALID_VECTOR_NORM_DEGREE", f"The degree of a norm is 1, 2 or infinity, not {degree}.", sqlstate="22023",
        kind="illegal_argument", functionName="`vector_norm`", degree=degree,
    )  # fmt: skip


@by_row(pa.float32())
def vector_norm(values: Vector, degree: float) -> float | None:
    x = _vector(values)
    return None if x is None else float(_norm(x, degree))


@by_row(pa.list_(pa.float32()))
def vector_normalize(values: Vector, degree: float) -> list[float] | None:
    """The vector divided by its norm; NULL when that is 0."""
    x = _vector(values)
    if x is None:
        return None
    norm = _norm(x, degree)
    return ([] if not values else None) if norm == 0 else [float(v) for v in x / norm]


def _columns(name: str, vectors: list[Vector]) -> list[np.ndarray]:
    for vector in vectors[1:]:
        _same_length(name, vectors[0], vector)
    return [x for x in map(_vector, vectors) if x is not None]


@by_row(pa.list_(pa.float32()))
def vector_sum(vectors: list[Vector]) -> list[float] | None:
    """Element by element; vectors that hold a NULL are left out."""
    total: np.ndarray | None = None
    for x in _columns("vector_sum", vectors):
        total = x if total is None else total + x
    return None if total is None else [float(v) for v in total]


@by_row(pa.list_(pa.float32()))
def vector_avg(vectors: list[Vector]) -> list[float] | None:
    """A running mean, element by element; vectors that hold a NULL are left out."""
    mean: np.ndarray | None = None
    for n, x in enumerate(_columns("vector_avg", vectors), 1):
        mean = x if mean is None else mean + (x - mean) / F(n)
    return None if mean is None else [float(v) for v in mean]
