"""A program for test_data_sources: a Python stream reader into a Python stream writer; arguments: directory, kind.

The readers take as many rows at once as they like, another number in each run: only the offset log can say which rows
a batch had.  The writer makes one file of each batch id."""

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.datasource import (
    DataSource,
    DataSourceStreamReader,
    DataSourceStreamWriter,
    InputPartition,
    SimpleDataSourceStreamReader,
    WriterCommitMessage,
)
from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow

ROWS = 40
directory, kind = Path(sys.argv[1]), sys.argv[2]
chance = random.Random(os.getpid())


def later(start):
    return {"at": min(start["at"] + chance.randint(1, 5), ROWS)}


class Reader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    def initialOffset(self):
        return {"at": chance.randint(0, 3)}

    def prepareForTriggerAvailableNow(self):
        pass

    def latestOffset(self, start, limit):
        return later(start)

    def partitions(self, start, end):
        return [InputPartition(i) for i in range(start["at"], end["at"])]

    def read(self, partition):
        yield (partition.value,)


class Simple(SimpleDataSourceStreamReader, SupportsTriggerAvailableNow):
    def initialOffset(self):
        return {"at": chance.randint(0, 3)}

    def prepareForTriggerAvailableNow(self):
        pass

    def read(self, start):
        end = later(start)
        return self.readBetweenOffsets(start, end), end

    def readBetweenOffsets(self, start, end):
        return iter([(i,) for i in range(start["at"], end["at"])])


@dataclass
class Rows(WriterCommitMessage):
    rows: list


class Writer(DataSourceStreamWriter):
    def write(self, iterator):
        return Rows([row.i for row in iterator])

    def commit(self, messages, batchId):
        path = directory / f"batch-{batchId}"
        hidden = path.with_name(f".{path.name}")
        hidden.write_text(json.dumps([row for message in messages for row in message.rows]))
        hidden.rename(path)

    def abort(self, messages, batchId):
        pass


class Numbers(DataSource):
    @classmethod
    def name(cls):
        return "numbers"

    def schema(self):
        return "i int"

    def streamReader(self, schema):
        return Reader() if kind == "reader" else super().streamReader(schema)

    def simpleStreamReader(self, schema):
        return Simple()

    def streamWriter(self, schema, overwrite):
        return Writer()


spark = SparkSession.builder.getOrCreate()
spark.dataSource.register(Numbers)
stream = spark.readStream.format("numbers").load()
query = stream.writeStream.format("numbers").option("checkpointLocation", str(directory / "checkpoint"))
query.trigger(availableNow=True).start().awaitTermination()
