"""Records in text (JSON, CSV, XML) read exactly as Spark reads them, in Python, whatever the options.

The fast scans of `penstock.sources.files` give the same rows where options and data are ordinary; these readers decide
everywhere else, and they are what from_json, from_csv and from_xml fall back on.
"""
