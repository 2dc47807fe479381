"""Well-known binary: geometries are kept as they came, after a look at their structure."""

from __future__ import annotations

import math
import struct

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

Rings = list[list[tuple[float, ...]]]
_SRIDS = (0, 4326, 3857)
_POINT, _LINE, _POLYGON, _COLLECTION = 1, 2, 3, 7


class _Reader:
    """Walks one WKB value; IndexError or struct.error when it ends too early."""

    def __init__(self, data: bytes, geography: bool) -> None:
        self.data, self.at, self.geography = data, 0, geography

    def take(self, code: str) -> tuple[float, ...]:
        values = struct.unpack_from(code, self.data, self.at)
        self.at += struct.calcsize(code)
        return values

    def geometry(self, within: int = 0) -> None:
        order = self.data[self.at]
        if order != 1:
            raise ValueError("only little-endian values are read" if order == 0 else "no byte order")
        self.at += 1
        (kind,) = self.take("<I")
        if kind not in range(1, 8) or (4 <= within <= 6 and kind != within - 3):
            raise ValueError(f"the geometry type {kind}")
        if kind == _POINT:
            self.points(1)
        elif kind == _LINE:
            self.line(2)
        elif kind == _POLYGON:
            for _ in range(int(self.take("<I")[0])):
                self.line(4)
        else:
            for _ in range(int(self.take("<I")[0])):
                self.geometry(int(kind))

    def line(self, least: int) -> None:
        count = int(self.take("<I")[0])
        if 0 < count < least:
            raise ValueError(f"{count} points")
        self.points(count)

    def points(self, count: int) -> None:
        for _ in range(count):
            x, y = self.take("<dd")
            if math.isinf(x) or math.isinf(y):
                raise ValueError("a coordinate that is not finite")
            if self.geography and not (-180 <= x <= 180 and -90 <= y <= 90):
                raise ValueError(f"the coordinates {x} {y} of a geography")


@by_row(pa.binary())
def checked_wkb(data: bytes, geography: bool) -> bytes:
    """The value itself; WKB_PARSE_ERROR when it is malformed."""
    reader = _Reader(data, geography)
    try:
        reader.geometry()
        if reader.at != len(data):
            raise ValueError("bytes after the end")
    except (ValueError, IndexError, struct.error) as error:
        raise raised(
            "WKB_PARSE_ERROR", f"Error parsing WKB: {error}, at position {reader.at}.", sqlstate="22023",
            kind="illegal_argument", parseError=str(error), pos=reader.at,
        ) from None  # fmt: skip
    return data


@by_row(pa.int32())
def checked_srid(srid: int, geography: bool) -> int:
    """The SRID itself; ST_INVALID_SRID_VALUE when there is none of that number."""
    if srid not in ((4326,) if geography else _SRIDS):
        raise raised(
            "ST_INVALID_SRID_VALUE", f"There is no spatial reference with the SRID {srid}.", sqlstate="22023",
            kind="illegal_argument", srid=srid,
        )  # fmt: skip
    return srid


def _swapped(data: bytes, at: int) -> tuple[bytes, int]:
    """The big-endian form of the little-endian geometry at `at`, and where it ends."""
    (kind,) = struct.unpack_from("<I", data, at + 1)
    out, at = b"\x00" + struct.pack(">I", kind), at + 5
    if kind == _POINT:
        return out + struct.pack(">dd", *struct.unpack_from("<dd", data, at)), at + 16
    (count,) = struct.unpack_from("<I", data, at)
    out, at = out + struct.pack(">I", count), at + 4
    for _ in range(count if kind > _LINE else 1):
        if kind > _POLYGON:
            part, at = _swapped(data, at)
            out += part
            continue
        if kind == _POLYGON:
            (points,) = struct.unpack_from("<I", data, at)
            out, at = out + struct.pack(">I", points), at + 4
        else:
            points = count
        out += struct.pack(f">{2 * points}d", *struct.unpack_from(f"<{2 * points}d", data, at))
        at += 16 * points
    return out, at


@by_row(pa.binary())
def wkb_in_order(data: bytes, order: str) -> bytes:
    """The value in the byte order NDR (little-endian, as it is kept) or XDR."""
    if order.upper() not in ("NDR", "XDR"):
        raise raised(
            "ST_INVALID_ENDIANNESS_VALUE", f"The byte order is NDR or XDR, not {order}.", sqlstate="22023",
            kind="illegal_argument", endianness=order,
        )  # fmt: skip
    return data if order.upper() == "NDR" else _swapped(data, 0)[0]
