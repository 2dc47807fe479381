"""Files that differ from the declared schema: columns missing, more, narrower, other types; missing and corrupt files."""

import os

from lib import run, session, show, work_directory
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def put(place: object, number: int, text: str) -> None:
    os.makedirs(place / "new", exist_ok=True)
    os.makedirs(place / "in", exist_ok=True)
    spark.sql(text).coalesce(1).write.mode("overwrite").parquet(str(place / "new"))
    (file,) = [path for path in (place / "new").iterdir() if path.name.endswith(".parquet")]
    target = place / "in" / f"{number}.parquet"
    file.rename(target)
    os.utime(target, (1_700_000_000 + number,) * 2)


def read(place: object, **options: object) -> object:
    reader = spark.readStream.schema("k string, n long, d decimal(10,2)").option("maxFilesPerTrigger", 1)
    return reader.options(**options).parquet(str(place / "in"))


SECOND = {
    "missing columns": "SELECT 'b' AS k",
    "more columns": "SELECT 1 AS z, 'b' AS k, 2L AS n, CAST(1 AS DECIMAL(10,2)) AS d, array(1) AS more",
    "other order, other case": "SELECT 2L AS N, 'b' AS K, CAST(1 AS DECIMAL(10,2)) AS D",
    "int for long": "SELECT 'b' AS k, 2 AS n, CAST(1 AS DECIMAL(10,2)) AS d",
    "narrow decimal": "SELECT 'b' AS k, 2L AS n, CAST(1.5 AS DECIMAL(5,1)) AS d",
    "string for long": "SELECT 'b' AS k, 'two' AS n, CAST(1 AS DECIMAL(10,2)) AS d",
    "struct for string": "SELECT struct(1 AS x) AS k, 2L AS n, CAST(1 AS DECIMAL(10,2)) AS d",
}
for name, text in SECOND.items():
    place = work_directory()
    put(place, 0, "SELECT 'a' AS k, 1L AS n, CAST(2.25 AS DECIMAL(10,2)) AS d")
    put(place, 1, text)
    show(name)
    try:
        run(read(place), "append", place, progress=False)
    except PySparkException as error:
        conditions = ("FAILED_READ_FILE",)
        show("failed", condition=error.getCondition(), cause=[c for c in conditions if c in str(error)][:1])
        (place / "in" / "1.parquet").unlink()
        put(place, 1, "SELECT 'put right' AS k, 2L AS n, CAST(3 AS DECIMAL(10,2)) AS d")
        run(read(place), "append", place, progress=False)
for option in ("ignoreCorruptFiles", "ignoreMissingFiles"):
    place = work_directory()
    put(place, 0, "SELECT 'a' AS k, 1L AS n, CAST(2.25 AS DECIMAL(10,2)) AS d")
    (place / "in" / "1.parquet").write_bytes(b"PAR1 this is none PAR1")
    os.utime(place / "in" / "1.parquet", (1_700_000_001,) * 2)
    put(place, 2, "SELECT 'c' AS k, 3L AS n, CAST(2.25 AS DECIMAL(10,2)) AS d")
    show(option)
    try:
        run(
            read(place, **{option: True}).withColumn("from", F.col("_metadata.file_name")),
            "append",
            place,
            progress=False,
        )
    except PySparkException as error:
        show("failed", condition=error.getCondition(), cause="FAILED_READ_FILE" in str(error))
