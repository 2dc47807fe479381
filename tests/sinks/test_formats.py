import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import SIMPLE, WIDE, simple, wide

from penstock.core.errors import SparkError
from penstock.plan.types import LONG, NULL, STRING, ArrayType, StructType
from penstock.sinks.formats import encoder

NESTED = ("arr", "st", "m", "b")


def encoded(form, table, schema, zone="UTC", **options):
    return bytes(encoder(form, schema, options, zone).encode(table))


def test_json_is_sparks():
    lines = encoded("json", wide(), WIDE, "America/New_York").decode().split("\n")
    assert lines == [
        '{"a":1,"s":"x","d":1.5,"t":"2024-01-02T07:00:00.123-05:00","dt":"2024-01-02","dec":1.50,'
        '"n":"2024-01-02T03:04:05.000","bo":true,"b":"YWI=","arr":[1,null],'
        '"st":{"x":"a","y":"2024-01-02T07:00:00.123-05:00"},"m":{"k":1.0}}',
        '{"d":1.0E20}',
        '{"a":-3,"s":"q\\"\\n,é\\\\","d":"NaN","t":"1968-12-31T19:00:00.000-05:00","dt":"0001-01-01","dec":-0.01,"bo":false,'
        '"b":"","arr":[],"st":{},"m":{}}',
        "",
    ]


def test_json_options():
    assert encoded("json", simple((1, None)), SIMPLE, ignorenullfields="false") == b'{"a":1,"s":null}\n'
    times = StructType().add("t", "timestamp").add("dt", "date")
    table = wide().select(["t", "dt"]).slice(0, 1)
    made = encoded("json", table, times, timestampformat="dd/MM/yyyy HH:mm XXX", dateformat="dd.MM.yyyy")
    assert made == b'{"t":"02/01/2024 12:00 Z","dt":"02.01.2024"}\n'


def test_csv_is_sparks():
    flat = StructType([f for f in WIDE.fields if f.name not in NESTED])
    made = encoded("csv", wide().drop_columns(list(NESTED)), flat, header="true").decode()
    assert made == (
        "a,s,d,t,dt,dec,n,bo\n"
        "1,x,1.5,2024-01-02T12:00:00.123Z,2024-01-02,1.50,2024-01-02T03:04:05.000,true\n"
        ",,1.0E20,,,,,\n"
        '-3,"q\\"\n,é\\\\",NaN,1969-01-01T00:00:00.000Z,0001-01-01,-0.01,,false\n'
    )


def test_csv_options():
    table = simple((1, " p;q "), (None, ""))
    assert encoded("csv", table, SIMPLE, sep=";", nullvalue="NA") == b'1;"p;q"\nNA;""\n'
    assert encoded("csv", table, SIMPLE, ignoreleadingwhitespace="false", quoteall="true") == b'"1"," p;q"\n"",""\n'
    with pytest.raises(SparkError, match="UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"):
        encoder("csv", StructType().add("x", ArrayType(LONG)), {}, "UTC")


def test_text():
    schema = StructType().add("s", STRING)
    assert encoded("text", simple((1, "a"), (2, None)).select(["s"]), schema) == b"a\n\n"
    assert encoded("text", simple((1, "a")).select(["s"]), schema, linesep="|") == b"a|"


def test_gzip():
    made = encoder("json", SIMPLE, {"compression": "gzip"}, "UTC")
    assert made.extension == ".json.gz"
    assert gzip.decompress(bytes(made.encode(simple((1, "x"))))) == b'{"a":1,"s":"x"}\n'
    with pytest.raises(SparkError, match="lzo"):
        encoder("json", SIMPLE, {"compression": "lzo"}, "UTC")


def test_parquet():
    made = encoder("parquet", WIDE, {}, "UTC")
    assert made.extension == ".snappy.parquet"
    file = pq.ParquetFile(io.BytesIO(bytes(made.encode(wide()))))
    assert file.read().to_pylist()[0] == wide().to_pylist()[0]
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    key = b"org.apache.spark.sql.parquet.row.metadata"
    assert StructType.fromJson(__import__("json").loads(file.metadata.metadata[key])) == WIDE
    assert encoder("parquet", SIMPLE, {"compression": "none"}, "UTC").extension == ".parquet"
    with pytest.raises(SparkError, match="CODEC_NOT_AVAILABLE"):
        encoder("parquet", SIMPLE, {"compression": "rar"}, "UTC")
    with pytest.raises(SparkError, match="UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"):
        encoder("parquet", StructType().add("x", NULL), {}, "UTC")


def test_parquet_has_no_files_of_arrow_types():
    """Spark reads intervals as numbers."""
    schema = StructType().add("i", "interval day to second")
    table = pa.table({"i": pa.array([5], pa.duration("us"))})
    file = pq.ParquetFile(io.BytesIO(encoded("parquet", table, schema)))
    assert file.schema_arrow.field(0).type == pa.int64()
