"""Functions of modules that Spark has not loaded by default: Avro and Protobuf."""

from __future__ import annotations

from pathlib import Path

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.errors import mismatch
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression
from penstock.plan.types import NULL, StructType


def _avro(args: Args, request: Request) -> Expression:
    name = request.name
    raise analysis_error(
        "AVRO_NOT_LOADED_SQL_FUNCTIONS_UNUSABLE", f"`{name}` cannot be used: the Avro data source is not loaded.",
        "22KD3", functionName=name,
    )  # fmt: skip


def _from_protobuf(args: Args, request: Request) -> Expression:
    path = constant(args[2]) if len(args) > 2 else None
    if path is not None and isinstance(path.value, str) and not Path(path.value).exists():
        raise analysis_error(
            "PROTOBUF_DESCRIPTOR_FILE_NOT_FOUND", f"There is no descriptor file {path.value}.", "42K0G",
            filePath=path.value,
        )  # fmt: skip
    raise unsupported(f"the function {request.name}")


def _to_protobuf(args: Args, request: Request) -> Expression:
    if not isinstance(args[0].type, StructType):
        raise mismatch("NON_STRUCT_TYPE", request.name, args, "the input must be a STRUCT.", inputName="data",
                       dataType=f'"{args[0].type.simpleString().upper()}"')  # fmt: skip
    raise unsupported(f"the function {request.name}")


def _refused(name: str) -> Function:
    """A sketch of Apache DataSketches: its binary format belongs to a library that is not here."""

    def build(args: Args, request: Request) -> Expression:
        raise unsupported(f"the function {request.name}")

    return row(name, "any*", NULL, "", build=build)


_SKETCHES = """
approx_top_k_accumulate approx_top_k_combine approx_top_k_estimate
hll_sketch_agg hll_sketch_estimate hll_union hll_union_agg
kll_merge_agg_bigint kll_merge_agg_double kll_merge_agg_float kll_sketch_agg_bigint kll_sketch_agg_double
kll_sketch_agg_float kll_sketch_get_n_bigint kll_sketch_get_n_double kll_sketch_get_n_float
kll_sketch_get_quantile_bigint kll_sketch_get_quantile_double kll_sketch_get_quantile_float
kll_sketch_get_rank_bigint kll_sketch_get_rank_double kll_sketch_get_rank_float kll_sketch_merge_bigint
kll_sketch_merge_double kll_sketch_merge_float kll_sketch_to_string_bigint kll_sketch_to_string_double
kll_sketch_to_string_float theta_difference theta_intersection theta_intersection_agg theta_sketch_agg
theta_sketch_estimate theta_union theta_union_agg tuple_difference_double tuple_difference_integer
tuple_intersection_agg_double tuple_intersection_agg_integer tuple_intersection_double tuple_intersection_integer
tuple_intersection_theta_double tuple_intersection_theta_integer tuple_sketch_agg_double tuple_sketch_agg_integer
tuple_sketch_estimate_double tuple_sketch_estimate_integer tuple_sketch_summary_double tuple_sketch_summary_integer
tuple_sketch_theta_double tuple_sketch_theta_integer tuple_union_agg_double tuple_union_agg_integer
tuple_union_double tuple_union_integer tuple_union_theta_double tuple_union_theta_integer
"""

register(
    row("from_avro", "any any any?", NULL, "", build=_avro),
    row("to_avro", "any any?", NULL, "", build=_avro),
    row("schema_of_avro", "any any?", NULL, "", build=_avro),
    row("from_protobuf", "any any any? any?", NULL, "", build=_from_protobuf),
    row("to_protobuf", "any any any? any?", NULL, "", build=_to_protobuf),
    *(_refused(name) for name in _SKETCHES.split()),
)
