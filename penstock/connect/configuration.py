"""The Config RPC: seven operations on a session's settings."""

from __future__ import annotations

import pyspark.sql.connect.proto as pb

from penstock.connect.errors import invalid_plan
from penstock.core.config import DEFAULTS, Conf, check_value, is_modifiable
from penstock.core.errors import SparkError


def configure(conf: Conf, operation: pb.ConfigRequest.Operation, response: pb.ConfigResponse) -> None:
    """Do one operation; pairs and warnings go into the response."""
    kind = operation.WhichOneof("op_type")
    match kind:
        case "set":
            _set(conf, operation.set)
        case "get":
            for key in operation.get.keys:
                _add(response, key, conf[key])
        case "get_with_default":
            for pair in operation.get_with_default.pairs:
                _add(response, pair.key, _with_default(conf, pair))
        case "get_option":
            for key in operation.get_option.keys:
                _add(response, key, conf.get(key))
        case "get_all":
            for key, value in get_all(conf, operation.get_all.prefix):
                _add(response, key, value)
        case "unset":
            for key in operation.unset.keys:
                conf.unset(key)
        case "is_modifiable":
            for key in operation.is_modifiable.keys:
                _add(response, key, "true" if is_modifiable(key) else "false")
        case _:
            raise invalid_plan("INVALID_ONE_OF_FIELD_NOT_SUPPORTED", f"Config has no operation {kind}.", name=kind)


def _set(conf: Conf, request: pb.ConfigRequest.Set) -> None:
    for pair in request.pairs:
        if not request.silent:
            conf.set(pair.key, pair.value)
            continue
        try:  # the builder's options: Spark takes what it can and says nothing of the rest
            conf.set_at_start(pair.key, pair.value)
        except SparkError:
            continue


def _with_default(conf: Conf, pair: pb.KeyValue) -> str | None:
    """What was set, else the caller's default, which goes before Spark's own."""
    if not pair.HasField("value"):
        return conf.get(pair.key)
    check_value(pair.key, pair.value)
    return str(conf.changed.get(pair.key, pair.value))


def get_all(conf: Conf, prefix: str = "") -> list[tuple[str, str]]:
    """What was set under a prefix, by key without it; without a prefix everything that was set."""
    pairs = {"spark.sql.warehouse.dir": DEFAULTS["spark.sql.warehouse.dir"], **conf.changed}
    return sorted((key[len(prefix) :], value) for key, value in pairs.items() if key.startswith(prefix))


def _add(response: pb.ConfigResponse, key: str, value: str | None) -> None:
    pair = response.pairs.add(key=key)
    if value is not None:
        pair.value = value
