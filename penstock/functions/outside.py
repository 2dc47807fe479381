"""Functions of modules that Spark has not loaded by default: Avro and Protobuf."""

from __future__ import annotations

from pathlib import Path

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.errors import mismatch
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
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


register(
    row("schema_of_avro", "any any?", NULL, "", build=_avro),
    row("from_protobuf", "any any any? any?", NULL, "", build=_from_protobuf),
    row("to_protobuf", "any any any? any?", NULL, "", build=_to_protobuf),
)
