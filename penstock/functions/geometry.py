"""GEOMETRY and GEOGRAPHY, between WKB and an SRID: a value is a struct of both, which no result may hold."""

from __future__ import annotations

from typing import Any

from pyspark.sql.types import GeographyType, GeometryType

from penstock.core.errors import unsupported
from penstock.functions.coercion import cast_if_needed, is_integral
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, any_nullable, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import BINARY, INTEGER, STRING, DataType, NullType

_SPATIAL = (GeometryType, GeographyType)
#: SRIDs whose meaning is the same everywhere: none, WGS 84, Web Mercator
_KNOWN = (0, 4326, 3857)


def _srid(args: Args, index: int, request: Request) -> int | str:
    """The SRID that is a constant; "ANY" when the rows have their own."""
    found = constant(args[index])
    if found is None and is_integral(args[index].type):
        return "ANY"
    if found is None or not isinstance(found.value, int):
        raise not_foldable(request.name, args, index, "srid")
    if found.value not in _KNOWN:
        raise unsupported(f"the SRID {found.value}")
    return found.value


def _geometry(args: Args, request: Request) -> Expression:
    return _from_wkb(args, GeometryType(_srid(args, 1, request)), request)


def _geography(args: Args, request: Request) -> Expression:
    return _from_wkb(args, GeographyType(4326), request)


def _from_wkb(args: Args, t: DataType, request: Request) -> Expression:
    data = cast_if_needed(args[0], BINARY, request.conf)
    return FunctionCall(request.function.name, (data, *args[1:]), t, data.nullable, request.name)


def _from_wkb_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    assert isinstance(call.type, _SPATIAL)
    checked = f"kernel_checked_wkb({args[0]}, {isinstance(call.type, GeographyType)})"
    return f"CASE WHEN {args[0]} IS NOT NULL THEN {{'srid': {call.type.srid}, 'wkb': {checked}}} END"


def _spatial(args: Args, request: Request) -> Args:
    if isinstance(args[0].type, NullType):
        return args
    if not isinstance(args[0].type, _SPATIAL):
        raise wrong_input(request.name, args, 0, '("GEOMETRY" or "GEOGRAPHY")')
    return args


def _with_order(args: Args, request: Request) -> Args:
    return (*_spatial(args[:1], request), cast_if_needed(args[1], STRING, request.conf))


def _as_binary(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.args[0].type, NullType):
        return "CAST(NULL AS BLOB)"
    return f"kernel_wkb_in_order(struct_extract({args[0]}, 'wkb'), {args[1]})"


def _field(name: str, null: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if isinstance(call.args[0].type, NullType):
            return null
        # the WKB is asked for in any case: DuckDB would leave out its check with it
        return f"CASE WHEN struct_extract({args[0]}, 'wkb') IS NOT NULL THEN struct_extract({args[0]}, '{name}') END"

    return sql


def _set_srid(args: Args, request: Request) -> Expression:
    _spatial(args, request)
    srid = _srid(args, 1, request)
    if isinstance(args[0].type, GeographyType) and srid not in ("ANY", 4326):
        raise unsupported(f"a geography with the SRID {srid}")
    t = GeographyType(srid) if isinstance(args[0].type, GeographyType) else GeometryType(srid)
    moved = (args[0], cast_if_needed(args[1], INTEGER, request.conf))
    return FunctionCall("st_setsrid", moved, t, any_nullable(args), request.name)


def _moved(args: list[str], call: FunctionCall, context: Any) -> str:
    srid = f"kernel_checked_srid({args[1]}, {isinstance(call.type, GeographyType)})"
    null = f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL"
    return f"CASE WHEN {null} THEN {{'srid': {srid}, 'wkb': struct_extract({args[0]}, 'wkb')}} END"


register(
    row("st_geomfromwkb", "any any?", BINARY, _from_wkb_sql, build=_geometry, defaults={1: Literal(0, INTEGER)}),
    row("st_geogfromwkb", "any", BINARY, _from_wkb_sql, build=_geography),
    row(
        "st_asbinary",
        "any any?",
        BINARY,
        _as_binary,
        coerce=_with_order,
        defaults={1: Literal("NDR", STRING)},
    ),
    row("st_srid", "any", INTEGER, _field("srid", "CAST(NULL AS INTEGER)"), coerce=_spatial),
    row("st_setsrid", "any any", BINARY, _moved, build=_set_srid),
)
