"""Protobuf plans as messages: compressed or not, and the form in which two of them compare."""

from __future__ import annotations

from typing import Any

import pyspark.sql.connect.proto as pb
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from penstock.connect.errors import invalid_plan

_MAX_BYTES = 1 << 30  # of a decompressed plan


def open_plan(plan: pb.Plan) -> pb.Plan:
    """The plan itself, decompressed if it came compressed."""
    if plan.WhichOneof("op_type") != "compressed_operation":
        return plan
    packed = plan.compressed_operation
    if packed.compression_codec != pb.CompressionCodec.COMPRESSION_CODEC_ZSTD:
        raise _unreadable("its codec is not ZSTD")
    import zstandard

    opened = pb.Plan()
    is_command = packed.op_type == pb.Plan.CompressedOperation.OpType.OP_TYPE_COMMAND
    try:
        data = zstandard.ZstdDecompressor().decompress(packed.data, max_output_size=_MAX_BYTES)
        (opened.command if is_command else opened.root).ParseFromString(data)
    except (zstandard.ZstdError, DecodeError) as error:
        raise _unreadable(str(error)) from error
    return opened


def plan_relation(plan: pb.Plan) -> pb.Relation:
    """The relation of a plan that is not a command."""
    opened = open_plan(plan)
    if opened.WhichOneof("op_type") != "root":
        raise invalid_plan("ASSERTION_FAILURE", "A command cannot be analysed.")
    return opened.root


def _unreadable(why: str) -> Exception:
    return invalid_plan("CANNOT_PARSE", f"It cannot be decompressed or parsed: {why}.", errorMsg=why)


def canonical(relation: pb.Relation) -> bytes:
    """Bytes that are equal for plans equal but for the numbers that the client gave its DataFrames."""
    copy = pb.Relation()
    copy.CopyFrom(relation)
    _renumber(copy, {})
    data: bytes = copy.SerializeToString(deterministic=True)
    return data


def _renumber(message: Message, numbers: dict[int, int]) -> None:
    for field, value in message.ListFields():
        if field.name == "plan_id" and field.type == FieldDescriptor.TYPE_INT64:
            setattr(message, field.name, numbers.setdefault(value, len(numbers) + 1))
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.name == "origin":
                message.ClearField(field.name)
                continue
            for child in _messages(field, value):
                _renumber(child, numbers)


def _messages(field: FieldDescriptor, value: Any) -> list[Message]:
    if not field.is_repeated:
        return [value]
    entry = field.message_type
    if entry.GetOptions().map_entry:
        is_message = entry.fields_by_name["value"].type == FieldDescriptor.TYPE_MESSAGE
        return [value[key] for key in sorted(value)] if is_message else []
    return list(value)
