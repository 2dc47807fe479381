"""State as data: `spark.read.format("statestore")` and `format("state-metadata")`."""
