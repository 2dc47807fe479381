"""Elementary functions with the digits of fdlibm, which Java's StrictMath is, over whole arrays.

The algorithms are those that fdlibm documents: argument reduction, then the polynomials whose coefficients stand here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

Array = Any  # of float64, or of int64 bits
_LN2_HI, _LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_INV_LN2 = 1.44269504088896338700e00
_TWO54 = 2.0**54


def _high(x: Array) -> Array:
    """The upper 32 bits of doubles, as int64."""
    return x.view(np.int64) >> 32


def _with_high(x: Array, high: Array) -> Array:
    """The doubles with other upper 32 bits."""
    return ((x.view(np.int64) & 0xFFFFFFFF) | (high << 32)).view(np.float64)


# ---------------------------------------------------------------- log

_LG = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
       1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01)  # fmt: skip


def log(x: Array) -> Array:
    """The natural logarithm of positive numbers."""
    x = np.ascontiguousarray(x, np.float64)
    least: Array = 0.0
    if len(x) and x.min() < 2.0**-1022:
        small = x < 2.0**-1022
        least = np.where(small, -54.0, 0.0)
        x = np.where(small, x * _TWO54, x)
    bits = x.view(np.int64)
    fraction = bits & 0xFFFFF_FFFFFFFF
    high = fraction >> 32
    i = (high + 0x95F64) & 0x100000
    k = (bits >> 52) + (i >> 20)
    dk = (k - 1023).astype(np.float64) + least
    i ^= 0x3FF00000
    i <<= 32
    i |= fraction
    f = i.view(np.float64) - 1.0
    y = _log_far(f, dk, high)
    near = (high + 2) & 0xFFFFF < 3
    if near.any():
        y[near] = _log_near_one(f[near], dk[near])
    return y


def _log_near_one(f: Array, dk: Array) -> Array:
    r = f * f * (0.5 - 0.33333333333333333 * f)
    zero = dk * _LN2_HI + dk * _LN2_LO
    return np.where(f == 0, zero, dk * _LN2_HI - ((r - dk * _LN2_LO) - f))


def _log_far(f: Array, dk: Array, mantissa: Array) -> Array:
    """As fdlibm without its branches for dk = 0: there the products with it take nothing away.  In place: a new array
    costs as much as an operation."""
    s = f + 2.0
    np.divide(f, s, out=s)
    z = s * s
    w = z * z
    t1 = _polynomial(w, _LG[1:6:2])
    t1 *= w
    r = _polynomial(w, _LG[0:7:2])
    r *= z
    r += t1
    low = dk * _LN2_LO
    half = f * 0.5
    half *= f
    squared = half + r
    squared *= s
    squared += low
    np.subtract(half, squared, out=squared)
    np.subtract(f, r, out=r)
    r *= s
    r -= low
    wide = ((mantissa - 0x6147A) | (0x6B851 - mantissa)) > 0
    y = np.where(wide, squared, r)
    y -= f
    np.subtract(dk * _LN2_HI, y, out=y)
    return y


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """c0 + x * (c1 + x * (c2 + ...))."""
    y = x * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        y += c
        y *= x
    y += coefficients[0]
    return y


# ---------------------------------------------------------------- exp

_P = (1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05, -1.65339022054652515390e-06,
      4.13813679705723846039e-08)  # fmt: skip
_MOST, _LEAST = 7.09782712893383973096e02, -7.45133219101941108420e02
_HALF_LN2 = float.fromhex("0x1.62e43p-2")  # the first DOUBLE whose upper half is beyond that of ln(2) / 2


def exp(x: Array) -> Array:
    """e to the power of x."""
    x = np.asarray(x, np.float64)
    a = np.abs(x)
    if len(x) and not a.max() < 700.0:  # NaN too
        y, k = _exp_parts(np.where(a < 800.0, x, 0.0), a)
        y = np.ldexp(y, k.astype(np.int32))
        y = np.where(x > _MOST, np.inf, np.where(x < _LEAST, 0.0, y))
        return np.where(np.isnan(x), np.nan, y)
    y, k = _exp_parts(x, a)
    moved = k.astype(np.int64)
    moved <<= 52
    moved += y.view(np.int64)
    return moved.view(np.float64)


def _exp_parts(x: Array, a: Array) -> tuple[Array, Array]:
    """y and k so that the result is y * 2 ** k.  As fdlibm without its branches: near 0 the reduction takes nothing
    away, and 1 and -1 are rounded like others."""
    k = _INV_LN2 * x
    k += np.copysign(0.5, x)
    np.trunc(k, out=k)
    k *= a >= _HALF_LN2
    hi = k * _LN2_HI
    np.subtract(x, hi, out=hi)
    lo = k * _LN2_LO
    r = hi - lo
    t = r * r
    c = _polynomial(t, _P)
    c *= t
    np.subtract(r, c, out=c)
    y = r * c
    y /= 2.0 - c
    np.subtract(lo, y, out=y)
    y -= hi
    np.subtract(1.0, y, out=y)
    small = a < 2.0**-28
    return (np.where(small, 1.0 + x, y) if small.any() else y), k


def _scaled(y: Array, k: Array) -> Array:
    """y * 2 ** k, which is y's exponent moved by k."""
    k = np.clip(k, -1100, 1100)
    normal = _with_high(y, _high(y) + (k << 20))
    tiny = _with_high(y, _high(y) + ((k + 1000) << 20)) * 2.0**-1000
    return np.where(k >= -1021, normal, tiny)


# ---------------------------------------------------------------- expm1

_Q = (-3.33333333333331316428e-02, 1.58730158725481460165e-03, -7.93650757867487942473e-05, 4.00821782732936239552e-06,
      -2.01099218183624371326e-07)  # fmt: skip


def expm1(x: Array) -> Array:
    """e to the power of x, less 1, without loss for small x."""
    x = np.asarray(x, np.float64)
    high, sign = _high(x) & 0x7FFFFFFF, np.where(x < 0, -1, 1)
    reduced, near = high > 0x3FD62E42, high < 0x3FF0A2B2
    rounded = (_INV_LN2 * np.where(np.isfinite(x), x, 0.0) + 0.5 * sign).astype(np.int64)
    k = np.where(reduced, np.where(near, sign, rounded), 0)
    hi, lo = x - k * _LN2_HI, k * _LN2_LO
    r = np.where(reduced, hi - lo, x)
    c = np.where(reduced, (hi - r) - lo, 0.0)
    half = 0.5 * r
    squared = r * half
    r1 = 1.0 + squared * (_Q[0] + squared * (_Q[1] + squared * (_Q[2] + squared * (_Q[3] + squared * _Q[4]))))
    t = 3.0 - r1 * half
    e = squared * ((r1 - t) / (6.0 - r * t))
    y = _expm1_scaled(r, e, c, squared, k)
    y = np.where(~reduced & (high < 0x3C900000), x, y)
    y = np.where((x < 0) & (high >= 0x4043687A), -1.0, y)
    return np.where(np.isnan(x), np.nan, np.where(x > _MOST, np.inf, y))


def _expm1_scaled(r: Array, e: Array, c: Array, squared: Array, k: Array) -> Array:
    unscaled = r - (r * e - squared)
    e = (r * (e - c) - c) - squared
    one = np.where(r < -0.25, -2.0 * (e - (r + 0.5)), 1.0 + 2.0 * (r - e))
    far = _scaled(1.0 - (e - r), k) - 1.0
    bounded = np.clip(k, 0, 60)
    t1 = _with_high(np.ones_like(r), 0x3FF00000 - (0x200000 >> bounded))
    below20 = _scaled(t1 - (e - r), k)
    t2 = _with_high(np.ones_like(r), (0x3FF - np.clip(k, -1000, 1000)) << 20)
    above20 = _scaled((r - (e + t2)) + 1.0, k)
    y = np.where((k <= -2) | (k > 56), far, np.where(k < 20, below20, above20))
    return np.where(k == 0, unscaled, np.where(k == -1, 0.5 * (r - e) - 0.5, np.where(k == 1, one, y)))


# ---------------------------------------------------------------- log1p, hyperbolic functions

_LP = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
       1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01)  # fmt: skip


def log1p(x: Array) -> Array:
    """log(1 + x) for x > -1, without loss for small x."""
    x = np.asarray(x, np.float64)
    raw = _high(x)
    high = raw & 0x7FFFFFFF
    direct = ((raw > 0) | (raw <= 0xBFD2BEC3 - (1 << 32))) & (raw < 0x3FDA827A)
    big = high >= 0x43400000
    u: Array = np.where(big, x, 1.0 + x)
    hu = _high(u)
    k = (hu >> 20) - 1023
    c = np.where(big, 0.0, np.where(k > 0, 1.0 - (u - x), x - (u - 1.0))) / u
    hu = hu & 0x000FFFFF
    low = hu < 0x6A09E
    u = np.where(low, _with_high(u, hu | 0x3FF00000), _with_high(u, hu | 0x3FE00000))
    k = np.where(direct, 0, np.where(low, k, k + 1))
    hu = np.where(direct, 1, np.where(low, hu, (0x00100000 - hu) >> 2))
    f, c = np.where(direct, x, u - 1.0), np.where(direct, 0.0, c)
    y = _log1p_parts(f, c, k.astype(np.float64), hu)
    tiny = high < 0x3E200000
    return np.where(tiny, np.where(high < 0x3C900000, x, x - x * x * 0.5), np.where(np.isposinf(x), x, y))


def _log1p_parts(f: Array, c: Array, k: Array, hu: Array) -> Array:
    half = 0.5 * f * f
    exact = np.where(f == 0, k * _LN2_HI + (c + k * _LN2_LO), 0.0)
    short = half * (1.0 - 0.66666666666666666 * f)
    near = np.where(k == 0, f - short, k * _LN2_HI - ((short - (k * _LN2_LO + c)) - f))
    s = f / (2.0 + f)
    z = s * s
    r = z * (_LP[0] + z * (_LP[1] + z * (_LP[2] + z * (_LP[3] + z * (_LP[4] + z * (_LP[5] + z * _LP[6]))))))
    far = np.where(k == 0, f - (half - s * (half + r)),
                   k * _LN2_HI - ((half - (s * (half + r) + (k * _LN2_LO + c))) - f))  # fmt: skip
    return np.where(hu == 0, np.where(f == 0, exact, near), far)


def cosh(x: Array) -> Array:
    """The hyperbolic cosine."""
    x = np.asarray(x, np.float64)
    a = np.abs(x)
    high = _high(a)
    t = expm1(a)
    w = 1.0 + t
    small = np.where(high < 0x3C800000, w, 1.0 + (t * t) / (w + w))
    e = exp(a)
    half = exp(0.5 * a)
    large = np.where(high < 0x40862E42, 0.5 * e, (0.5 * half) * half)
    y = np.where(high < 0x3FD62E43, small, np.where(high < 0x40360000, 0.5 * e + 0.5 / e, large))
    return np.where(np.isnan(x), np.nan, np.where(np.isinf(x), np.inf, y))


def sinh(x: Array) -> Array:
    """The hyperbolic sine."""
    x = np.asarray(x, np.float64)
    a = np.abs(x)
    high, h = _high(a), np.where(x < 0, -0.5, 0.5)
    t = expm1(a)
    small = np.where(high < 0x3FF00000, h * (2.0 * t - t * t / (t + 1.0)), h * (t + t / (t + 1.0)))
    half = exp(0.5 * a)
    large = np.where(high < 0x40862E42, h * exp(a), (h * half) * half)
    y = np.where(high < 0x3E300000, x, np.where(high < 0x40360000, small, large))
    return np.where(np.isfinite(x), y, x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    x = np.asarray(x, np.float64)
    a = np.abs(x)
    high = _high(a)
    t = expm1(np.where(high >= 0x3FF00000, 2.0 * a, -2.0 * a))
    z = np.where(high >= 0x3FF00000, 1.0 - 2.0 / (t + 2.0), -t / (t + 2.0))
    z = np.where(high < 0x40360000, z, 1.0)
    y = np.where(high < 0x3C800000, x * (1.0 + x), np.where(x < 0, -z, z))
    return np.where(np.isnan(x), np.nan, y)


_IVLN10, _LOG10_2HI, _LOG10_2LO = 4.34294481903251816668e-01, 3.01029995663611771306e-01, 3.69423907715893078616e-13


def log10(x: Array) -> Array:
    """The decimal logarithm of positive numbers."""
    x = np.asarray(x, np.float64)
    small = x < 2.0**-1022
    k = np.where(small, -54, 0)
    x = np.where(small, x * _TWO54, x)
    high = _high(x)
    k = k + (high >> 20) - 1023
    i = (k < 0).astype(np.int64)
    x = _with_high(x, (high & 0x000FFFFF) | ((0x3FF - i) << 20))
    y = (k + i).astype(np.float64)
    return (y * _LOG10_2LO + _IVLN10 * log(x)) + y * _LOG10_2HI


def cbrt(x: Array) -> Array:
    """The cube root."""
    x = np.asarray(x, np.float64)
    a = np.abs(x)
    small = _high(a) < 0x00100000
    start = np.where(small, _high(a * _TWO54) // 3 + 696219795, _high(a) // 3 + 715094163)
    t = _with_high(np.zeros_like(a), start)
    r = t * t / a
    s = 5.42857142857142815906e-01 + r * t
    t = t * (3.57142857142857150787e-01 + 1.60714285714285720630e00
             / (s + 1.41428571428571436819e00 + -7.05306122448979611050e-01 / s))  # fmt: skip
    t = _with_high(np.zeros_like(a), _high(t) + 1)
    r = a / (t * t)
    t = t + t * ((r - t) / (t + t + r))
    return np.where((x == 0) | ~np.isfinite(x), x, np.copysign(t, x))


def acosh(x: Array) -> Array:
    """The inverse hyperbolic cosine; NaN below 1."""
    safe = np.where(x >= 1, x, 1.0)
    t = safe - 1.0
    small = log1p(t + np.sqrt(2.0 * t + t * t))
    medium = log(2.0 * safe - 1.0 / (safe + np.sqrt(safe * safe - 1.0)))
    large = log(safe) + 6.93147180559945286227e-01
    y = np.where(safe > 2.0**28, large, np.where(safe > 2, medium, small))
    return np.where(x >= 1, np.where(np.isinf(x), x, y), np.nan)


def atanh(x: Array) -> Array:
    """As Spark writes it: by log1p; infinite at 1 and -1, NaN beyond."""
    inside = np.abs(x) < 1
    safe = np.where(inside, x, 0.0)
    y = 0.5 * (log1p(safe) - log1p(-safe))
    return np.where(inside, y, np.where(np.abs(x) == 1, np.copysign(np.inf, x), np.nan))


# ---------------------------------------------------------------- kernels


def _array(values: Any) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks)


def _column(function: Callable[[Array], Array], low: float = -np.inf) -> Any:
    """A kernel over DOUBLE; NULL for NULL, and for what is not above `low` (NaN is)."""

    def kernel(values: Any) -> pa.Array:
        array = _array(values)
        if not array.null_count and len(array):
            x = array.to_numpy()
            if low == -np.inf or (x.min() > low and x.max() < np.inf):  # neither for NaN
                with np.errstate(all="ignore"):
                    return pa.array(function(x), pa.float64())
        missing = np.asarray(array.is_null())
        x = np.asarray(array.fill_null(1.0), np.float64)
        outside = missing | (x <= low) if low > -np.inf else missing
        special = outside | ~np.isfinite(x)
        with np.errstate(all="ignore"):
            safe = np.where(special, 1.0, x) if low > -np.inf else x
            y = function(np.ascontiguousarray(safe))
        if low > -np.inf:
            y = np.where(special, x, y)
        return pa.array(y, pa.float64(), mask=outside)

    return kernel


_LOG_OF_2 = float(log(np.array([2.0]))[0])
java_exp, java_expm1 = _column(exp), _column(expm1)
java_cosh, java_sinh, java_tanh = _column(cosh), _column(sinh), _column(tanh)
java_ln, java_log10, java_log1p = _column(log, 0.0), _column(log10, 0.0), _column(log1p, -1.0)
java_log2 = _column(lambda x: log(x) / _LOG_OF_2, 0.0)
java_cbrt, java_acosh, java_atanh = _column(cbrt), _column(acosh), _column(atanh)


def java_hypot(left: Any, right: Any) -> pa.Array:
    """The length of (left, right), without overflow on the way."""
    sides = [pa.concat_arrays(c.chunks) if isinstance(c, pa.ChunkedArray) else c for c in (left, right)]
    missing = np.asarray(sides[0].is_null()) | np.asarray(sides[1].is_null())
    x, y = (np.asarray(side.fill_null(0.0), np.float64) for side in sides)
    return pa.array(np.hypot(x, y), pa.float64(), mask=missing)
