"""The file formats as providers: what the registry loads."""

from __future__ import annotations

from penstock.sources.files.binary import BinaryFormat
from penstock.sources.files.csv import CsvFormat
from penstock.sources.files.json import JsonFormat
from penstock.sources.files.orc import OrcFormat
from penstock.sources.files.parquet import ParquetFormat
from penstock.sources.files.relation import provider
from penstock.sources.files.text import TextFormat
from penstock.sources.files.xml import XmlFormat

parquet = provider(ParquetFormat)
json = provider(JsonFormat)
csv = provider(CsvFormat)
text = provider(TextFormat)
orc = provider(OrcFormat)
xml = provider(XmlFormat)
binary = provider(BinaryFormat)
