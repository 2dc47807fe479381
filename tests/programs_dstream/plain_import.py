"""DStreams in a plain script, by import."""

import penstock
from penstock.streaming import StreamingContext

sc = penstock.session({"spark.master": "local[2]"}).sparkContext
ssc = StreamingContext(sc, 0.1)
ssc.queueStream([[1, 2], [3]]).map(lambda x: x * 2).foreachRDD(lambda rdd: print(rdd.collect(), flush=True))
ssc.start()
ssc.awaitTermination(0.6)
ssc.stop(stopGraceFully=True)  # every batch whose time has come runs, however late
