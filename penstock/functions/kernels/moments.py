"""Central moments and co-moments of the lists of values of groups, in Spark's order of operations.

Spark updates a running mean row by row and sums what each row adds to the moments; the same operations in the same
order give the same digits.  Rows of one group follow each other, so many short groups go row number by row number (all
groups at once), and few long ones group by group: the means in a loop, everything else as whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray
#: so many groups must have a row number i for that it pays to step through the row numbers
_WIDE = 16


def _lists(column: Any) -> tuple[Array, Array, Array]:
    """Flat values of a column of lists, where each list starts and ends, and which lists are there."""
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    offsets = np.asarray(array.offsets).astype(np.int64)
    return np.asarray(array.values.fill_null(0.0)), offsets, np.asarray(array.is_valid())


def _result(rows: Array, present: Array) -> pa.Array:
    """Lists of the columns of `rows`; NULL where a list is NULL or empty."""
    width = rows.shape[1]
    kept = rows[present]
    offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32) * width
    flat = pa.array(kept.reshape(-1), pa.float64())
    mask = pa.array(~present)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat, mask=mask)


def _means(values: Array) -> Array:
    """The mean after each row."""
    mean, out = 0.0, []
    for n, value in enumerate(values.tolist(), 1):
        mean += (value - mean) / n
        out.append(mean)
    return np.array(out)


def _sum_of(*terms: Array) -> Array:
    """The running sum of several terms a row, each added in turn."""
    together = np.empty(len(terms[0]) * len(terms))
    for i, term in enumerate(terms):
        together[i :: len(terms)] = term
    return np.add.accumulate(together)[len(terms) - 1 :: len(terms)]


def _before(values: Array) -> Array:
    """The value before each row's; 0 at first."""
    return np.concatenate([[0.0], values[:-1]])


# ---------------------------------------------------------------- one column


def _central_long(x: Array) -> list[float]:
    n, mean = np.arange(1.0, len(x) + 1), _means(x)
    delta = x - _before(mean)
    delta_n = delta / n
    delta2, delta_n2 = delta * delta, delta_n * delta_n
    m2 = _sum_of(delta * (delta - delta_n))
    m3 = _sum_of(-(3.0 * delta_n * m2), delta * (delta2 - delta_n2))
    m4 = _sum_of(-(4.0 * delta_n * m3), -(6.0 * delta_n2 * m2), delta * (delta * delta2 - delta_n * delta_n2))
    return [float(len(x)), mean[-1], m2[-1], m3[-1], m4[-1]]


def _central_step(state: Array, x: Array) -> Array:
    """The state (n, mean, m2, m3, m4: one row each) after one more value a group."""
    n, mean, m2, m3, m4 = state
    n = n + 1.0
    delta = x - mean
    delta_n = delta / n
    delta2, delta_n2 = delta * delta, delta_n * delta_n
    m2 = m2 + delta * (delta - delta_n)
    m3 = m3 - 3.0 * delta_n * m2 + delta * (delta2 - delta_n2)
    m4 = m4 - 4.0 * delta_n * m3 - 6.0 * delta_n2 * m2 + delta * (delta * delta2 - delta_n * delta_n2)
    return np.stack([n, mean + delta_n, m2, m3, m4])


# ---------------------------------------------------------------- two columns


def _pair_long(x: Array, y: Array) -> list[float]:
    n, x_mean, y_mean = np.arange(1.0, len(x) + 1), _means(x), _means(y)
    dx, dy = x - _before(x_mean), y - _before(y_mean)
    sums = (dx * (y - y_mean), dx * (x - x_mean), dy * (y - y_mean), dx * (dx - dx / n), dy * (dy - dy / n))
    return [float(len(x)), x_mean[-1], y_mean[-1], *(_sum_of(terms)[-1] for terms in sums)]


def _pair_step(state: Array, x: Array, y: Array) -> Array:
    """The state (n, both means, ck, xMk, yMk, m2 of x, m2 of y) after one more pair a group."""
    n, x_mean, y_mean, ck, xmk, ymk, xm2, ym2 = state
    n = n + 1.0
    dx, dy = x - x_mean, y - y_mean
    dx_n, dy_n = dx / n, dy / n
    x_mean, y_mean = x_mean + dx_n, y_mean + dy_n
    ck, xmk, ymk = ck + dx * (y - y_mean), xmk + dx * (x - x_mean), ymk + dy * (y - y_mean)
    return np.stack([n, x_mean, y_mean, ck, xmk, ymk, xm2 + dx * (dx - dx_n), ym2 + dy * (dy - dy_n)])


def _folded(columns: tuple[Any, ...], width: int, step: Callable[..., Array], long: Callable[..., Any]) -> pa.Array:
    parts = [_lists(column) for column in columns]
    offsets, valid = parts[0][1], parts[0][2]
    lengths = np.diff(offsets)
    present = valid & (lengths > 0)
    longest = int(lengths.max(initial=0))
    with np.errstate(all="ignore"):
        if longest and lengths.sum() / longest >= _WIDE:
            rows = _by_steps([values for values, _, _ in parts], offsets[:-1], lengths, width, step)
        else:
            rows = np.zeros((len(lengths), width))
            for i in np.flatnonzero(present):
                rows[i] = long(*(values[at[i] : at[i + 1]] for values, at, _ in parts))
    return _result(rows, present)


def _by_steps(columns: list[Array], starts: Array, lengths: Array, width: int, step: Callable[..., Array]) -> Array:
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    state = np.zeros((width, len(starts)))
    active = len(starts)
    for i in range(int(lengths[0])):
        active = int(np.searchsorted(-lengths[:active], -i, side="left"))
        at = starts[:active] + i
        state[:, :active] = step(state[:, :active], *(values[at] for values in columns))
    rows = np.empty((len(starts), width))
    rows[order] = state.T
    return rows


def central_moments(values: Any) -> pa.Array:
    """Lists of DOUBLE (no NULLs in them) -> [n, mean, m2, m3, m4]; NULL for no values."""
    return _folded((values,), 5, _central_step, _central_long)


def pair_moments(left: Any, right: Any) -> pa.Array:
    """Two lists of DOUBLE of one length -> [n, means of left and right, ck, xMk, yMk, m2 of left, m2 of right]."""
    return _folded((left, right), 8, _pair_step, _pair_long)


# ---------------------------------------------------------------- merging


def _sides(old: Any, new: Any, width: int) -> tuple[Array, Array, Array]:
    """The states as columns (zeros for NULL), and which rows have at least one."""
    states = []
    for column in (old, new):
        values, _, valid = _lists(column)
        state = np.zeros((len(valid), width))
        state[valid] = values.reshape(-1, width)
        states.append((state.T, valid))
    (left, has_left), (right, has_right) = states
    return left, right, has_left | has_right


def merge_central_moments(old: Any, new: Any) -> pa.Array:
    """The moments of both sides' rows together; a NULL side has no rows."""
    left, right, present = _sides(old, new, 5)
    with np.errstate(all="ignore"):
        return _result(_merge_central(left, right).T, present)


def _merge_central(left: Array, right: Array) -> Array:
    n1, avg1, m2a, m3a, m4a = left
    n2, avg2, m2b, m3b, m4b = right
    n, delta = n1 + n2, avg2 - avg1
    dn = np.where(n == 0, 0.0, delta / n)
    m2 = m2a + m2b + delta * dn * n1 * n2
    m3 = m3a + m3b + dn * dn * delta * n1 * n2 * (n1 - n2) + 3.0 * dn * (n1 * m2b - n2 * m2a)
    m4 = (
        m4a + m4b + dn * dn * dn * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
        + 6.0 * dn * dn * (n1 * n1 * m2b + n2 * n2 * m2a) + 4.0 * dn * (n1 * m3b - n2 * m3a)
    )  # fmt: skip
    return np.stack([n, avg1 + dn * n2, m2, m3, m4])


def merge_pair_moments(old: Any, new: Any) -> pa.Array:
    """The co-moments of both sides' rows together; a NULL side has no rows."""
    left, right, present = _sides(old, new, 8)
    n1, n2 = left[0], right[0]
    n, dx, dy = n1 + n2, right[1] - left[1], right[2] - left[2]
    with np.errstate(all="ignore"):
        dx_n, dy_n = np.where(n == 0, 0.0, dx / n), np.where(n == 0, 0.0, dy / n)
        added = [dx * dy_n, dx * dx_n, dy * dy_n, dx * dx_n, dy * dy_n]
        sums = [left[i] + right[i] + term * n1 * n2 for i, term in enumerate(added, 3)]
        merged = np.stack([n, left[1] + dx_n * n2, left[2] + dy_n * n2, *sums])
    return _result(merged.T, present)
