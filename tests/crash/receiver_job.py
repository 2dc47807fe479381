"""A program with a reliable receiver, a write-ahead log and a generated stream, that a test kills.

The receiver takes messages 0, 1, 2, ... from a source that sends again what was not acknowledged: the file
`acknowledged` holds the number of the next one, `messages` how many there are.  Every batch writes what it had to a
file of its own.  While there is a file `hold`, no batch is made.

usage: receiver_job.py DIRECTORY SECONDS_OF_WORK     ends when all messages have been acknowledged
"""

import json
import os
import sys
import threading
import time

from pyspark import SparkConf, SparkContext
from pyspark.streaming import Receiver, StreamingContext

from penstock import embed

embed.BATCH_END_S = 60.0  # a machine may stand still for seconds
directory, work = sys.argv[1], float(sys.argv[2])


def save(name, value):
    path = os.path.join(directory, name)
    with open(path + ".tmp", "w") as file:
        json.dump(value, file)
    os.replace(path + ".tmp", path)


def load(name, default):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return default
    with open(path) as file:
        return json.load(file)


class Reliable(Receiver):
    def onStart(self):
        threading.Thread(target=self.receive, daemon=True).start()

    def onStop(self):
        pass

    def receive(self):
        place, messages = load("acknowledged", 0), load("messages", 0)
        while not self.isStopped() and place < messages:
            block = list(range(place, min(place + 7, messages)))
            self.store(block)
            place = block[-1] + 1
            save("acknowledged", place)
            time.sleep(0.002)


def unless_held(rdd):
    while os.path.exists(os.path.join(directory, "hold")):
        time.sleep(0.001)
    return rdd


def create():
    conf = SparkConf().setMaster("local[3]").setAppName("receiver job")
    conf.set("spark.streaming.receiver.writeAheadLog.enable", "true")
    conf.set("spark.default.parallelism", "5").set("spark.my.own", "kept")
    ssc = StreamingContext(SparkContext(conf=conf), 0.05)
    received = ssc.receiverStream(Reliable()).map(lambda n: ("received", n))
    made = ssc.generatedStream(lambda ms: [ms]).transform(unless_held).map(lambda ms: ("made", ms))
    counts = made.updateStateByKey(lambda new, old: (old or 0) + len(new)).map(lambda pair: ("count", pair[1]))

    def write(when, rdd):
        found = {"received": [], "made": [], "count": []}
        for kind, value in rdd.collect():
            found[kind].append(value)
        time_ms = round(when.timestamp() * 1000)
        save("running", time_ms)
        time.sleep(work)
        save(f"batch-{time_ms}", found)

    received.union(made).union(counts).foreachRDD(write)
    ssc.checkpoint(os.path.join(directory, "checkpoint"))
    save("created", os.getpid())
    return ssc


ssc = StreamingContext.getOrCreate(os.path.join(directory, "checkpoint"), create)
sc = ssc.sparkContext
names = ("spark.my.own", "spark.streaming.receiver.writeAheadLog.enable", "spark.default.parallelism")
settings = {name: sc.getConf().get(name) for name in names}
save("settings", [sc.master, sc.appName, sc.defaultParallelism, ssc.batch_ms, settings, os.getpid()])
ssc.start()
save("started", os.getpid())
while not ssc.awaitTerminationOrTimeout(0.05):
    if load("acknowledged", 0) >= load("messages", 0):
        ssc.stop(True, True)
