"""Files as a data source: Parquet, JSON, CSV and text, in batch and as a stream."""
