"""RDDs: partitioned, lazy, pipelined collections of Python objects with lineage, in one process.

`nodes.py` is the lineage, `shuffle.py` what moves between partitions, `scheduler.py` runs jobs, `rdd.py` is the
user's class. Objects are handed from step to step as they are: nothing is pickled between threads.
"""
