"""A session's Python data sources: registered under a name that its reads and writes may then use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyspark.sql.connect.proto as pb

from penstock.core.errors import SparkError
from penstock.plan.nodes import Read
from penstock.sources import registry
from penstock.sources.base import Relation

if TYPE_CHECKING:
    from penstock.connect.session import Session
    from penstock.pyfn.data_sources import PythonDataSource


def register(session: Session, command: pb.CommonInlineUserDefinedDataSource) -> None:
    """`spark.dataSource.register`; one of the same name is replaced."""
    from penstock.connect.python_objects import objects
    from penstock.pyfn.data_sources import PythonDataSource
    from penstock.pyfn.errors import user_code

    with user_code():
        loaded = objects.load(command.python_data_source.command)
    session.catalog.data_sources[command.name.lower()] = PythonDataSource(command.name, loaded)


def find(session: Session, name: str | None) -> PythonDataSource | None:
    """The session's source of that name; formats that are built in come first."""
    source = session.catalog.data_sources.get((name or "").lower())
    if source is None:
        return None
    try:
        registry.find(source.name)
    except SparkError:
        return source
    return None


def resolve_read(session: Session, read: Read) -> Relation:
    """The relation of a read: of a source that the user has registered, or of a format."""
    source = find(session, read.format) if session.catalog.data_sources else None
    if source is None:
        return registry.resolve(read, session.conf)
    return source.relation(read.options, read.paths, read.user_schema, session.conf)
