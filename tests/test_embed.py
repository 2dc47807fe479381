"""The contract with pyspark's client: each test names what a new release may have changed.  In processes of their own,
since installing the adapter changes `pyspark` for good."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent


def run(program: str) -> str:
    """What a program printed; the adapter is installed."""
    text = "import penstock\nspark = penstock.session({'my.key': 'v'})\n" + dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_session_for_scripts() -> None:
    assert run("print(spark.conf.get('my.key'), spark.range(3).count())") == "v 3\n"


def test_a_script_ends_while_a_query_runs() -> None:
    out = run(
        """
        from pyspark.sql.streaming import StreamingQueryListener
        class Heard(StreamingQueryListener):
            def onQueryStarted(self, event): print("started", flush=True)
            def onQueryProgress(self, event): pass
            def onQueryIdle(self, event): pass
            def onQueryTerminated(self, event): print("terminated", flush=True)
        spark.streams.addListener(Heard())
        spark.readStream.format("rate").load().writeStream.format("noop").start()
        """
    )
    assert out == "started\nterminated\n"


def test_a_listener_is_removed_while_an_event_is_on_its_way() -> None:
    out = run(
        """
        import threading
        from pyspark.sql.connect.streaming.query import StreamingQueryListenerBus
        from pyspark.sql.streaming import StreamingQueryListener
        class Deaf(StreamingQueryListener):
            def onQueryStarted(self, event): pass
            def onQueryProgress(self, event): pass
            def onQueryIdle(self, event): pass
            def onQueryTerminated(self, event): pass
        taken, removing = threading.Event(), threading.Event()
        deserialize = StreamingQueryListenerBus.deserialize
        def held(event):
            taken.set()
            removing.wait(60)
            return deserialize(event)
        StreamingQueryListenerBus.deserialize = staticmethod(held)
        spark.streams.addListener(listener := Deaf())
        query = spark.readStream.format("rate").load().writeStream.format("noop").start()
        assert taken.wait(60)
        threading.Timer(0.2, removing.set).start()  # by then the client holds its lock
        spark.streams.removeListener(listener)
        query.stop()
        print(spark.streams._sqlb._listener_bus)
        """
    )
    assert out == "[]\n"


def test_a_listener_is_added_while_the_last_one_is_removed() -> None:
    out = run(
        """
        import threading
        from pyspark.sql.streaming import StreamingQueryListener
        class Deaf(StreamingQueryListener):
            def onQueryStarted(self, event): pass
            def onQueryProgress(self, event): heard.set()
            def onQueryIdle(self, event): pass
            def onQueryTerminated(self, event): pass
        class Between:  # of the client's two looks at its listeners
            def __init__(self): self.lock, self.passed = threading.Lock(), False
            def __enter__(self): self.lock.acquire()
            def __exit__(self, *error):
                self.lock.release()
                if not self.passed:
                    self.passed = True
                    spark.streams.addListener(other)
        heard, listener, other = threading.Event(), Deaf(), Deaf()
        spark.streams.addListener(listener)
        spark.streams._sqlb._lock = Between()
        removal = threading.Thread(target=spark.streams.removeListener, args=(listener,), daemon=True)
        removal.start()
        removal.join(30)
        query = spark.readStream.format("rate").load().writeStream.format("noop").start()
        print(removal.is_alive(), spark.streams._sqlb._listener_bus == [other], heard.wait(60))
        thread = spark.streams._sqlb._execution_thread
        spark.streams.removeListener(other)
        print(thread.is_alive(), spark.streams._sqlb._listener_bus)
        """
    )
    assert out == "False True True\nFalse []\n"


def test_the_builder_of_unmodified_programs() -> None:
    program = """
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession
        builder = SparkSession.builder.master("local[4]").appName("a")
        again = builder.config("spark.sql.shuffle.partitions", 3).getOrCreate()
        assert again is spark
        assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
        assert SparkSession.getActiveSession() is spark and SparkSession.active() is spark
        spark.stop()
        conf = SparkConf().setAppName("named").setMaster("local[2]").set("spark.executor.memory", "1g")
        spark = SparkSession.builder.config(conf=conf).getOrCreate()
        sc = spark.sparkContext
        assert (sc.appName, sc.master, sc.version) == ("named", "local[2]", "4.2.0"), (sc.appName, sc.master)
        assert sc.getConf().get("spark.executor.memory") == "1g"
        assert sc.applicationId.startswith("local-") and sc.uiWebUrl is None and sc.defaultParallelism >= 1
        sc.setLogLevel("WARN")
        assert SparkContext.getOrCreate() is sc
        sc.stop()
        sc = SparkContext("local", "mine")
        assert SparkSession(sc).range(2).count() == 2 and sc.appName == "mine"
        from pyspark.context import SparkContext as Same
        assert Same is SparkContext
        """
    run(program)


def test_classic_modules_are_there() -> None:
    out = run(
        """
        from pyspark import RDD, Broadcast, SparkContext, SparkFiles
        from pyspark.core.rdd import portable_hash
        from pyspark.rdd import RDD as Same
        from pyspark.streaming import StreamingContext
        from pyspark.streaming.listener import StreamingListener
        from py4j.protocol import Py4JJavaError
        rdd = spark.sparkContext.parallelize([1, 2, 3])
        try:
            rdd.map(lambda x: 1 / (x - 2)).collect()
        except Py4JJavaError as error:
            print("ZeroDivisionError" in str(error))
        frame = spark.createDataFrame(rdd.map(lambda x: (x,)), ["x"])
        print(Same is RDD, isinstance(rdd, RDD), frame.rdd.map(lambda row: row.x).sum())
        """
    )
    assert out.split() == ["True", "True", "True", "6"]


def test_classic_classes_take_type_parameters() -> None:
    out = run(
        """
        from pyspark import RDD, Accumulator, Broadcast
        from pyspark.rdd import PipelinedRDD, RDDBarrier
        from pyspark.streaming import DStream
        def program(a: RDD[tuple[str, int]], b: DStream[str]) -> RDD[str]: ...
        types = [RDD[int], DStream[int], Broadcast[int], Accumulator[int], PipelinedRDD[str, int], RDDBarrier[int]]
        from penstock.rdd.shared import Accumulator as Ours
        types.append(Ours[int])
        print([kind.__origin__.__name__ for kind in types], program.__annotations__["a"].__args__)
        """
    )
    names = ["RDD", "DStream", "Broadcast", "Accumulator", "PipelinedRDD", "RDDBarrier", "Accumulator"]
    assert out == f"{names} (tuple[str, int],)\n"


def test_another_master_is_refused() -> None:
    out = run(
        """
        from pyspark.sql import SparkSession
        spark.stop()
        try:
            SparkSession.builder.master("spark://far:7077").getOrCreate()
        except ValueError as error:
            print(error)
        """
    )
    assert "spark://far:7077" in out


def test_a_real_remote_is_still_reached() -> None:
    run(
        """
        from pyspark.sql.connect.session import SparkSession as Remote
        from penstock import embed
        from penstock.connect.server import Address, Server
        from penstock.connect.service import Service
        server = Server(Service(), Address(port=0), workers=4)
        server.start()
        remote = Remote.builder.remote(f"sc://localhost:{server.port}").create()
        assert remote.range(5).count() == 5
        assert not embed.is_embedded(remote) and embed.is_embedded(spark)
        try:
            remote.sparkContext
            raise SystemExit("a remote session has no SparkContext")
        except AttributeError:
            pass
        remote.stop()
        server.stop()
        """
    )


def test_foreach_functions_are_the_users_own_objects() -> None:
    run(
        """
        import threading
        lock, seen, rows = threading.Lock(), [], []
        rate = spark.readStream.format("rate").option("rowsPerSecond", 20).load()
        done = threading.Event()
        def batch(frame, batch_id):
            with lock:                                  # a lock cannot be pickled
                seen.append(frame.sparkSession is spark)
                if frame.count():
                    done.set()
        query = rate.writeStream.foreachBatch(batch).start()
        assert done.wait(60)
        query.stop()
        assert all(seen)
        class Writer:
            lock = lock
            def process(self, row):
                rows.append(row.value)
        query = rate.writeStream.foreach(Writer()).start()
        while not rows:
            query.processAllAvailable()
        query.stop()
        assert rows[0] == 0
        progress = query.lastProgress or query.recentProgress[-1]
        assert progress["numInputRows"] == progress.numInputRows
        """
    )


def test_new_session() -> None:
    run(
        """
        spark.range(1).createOrReplaceTempView("v")
        other = spark.newSession()
        assert not other.catalog.tableExists("v") and spark.catalog.tableExists("v")
        assert other.range(3).count() == 3
        """
    )


def test_importing_penstock_is_light() -> None:
    heavy = ("pyspark", "pandas", "pyarrow", "duckdb", "grpc")
    text = f"import sys, penstock; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_batch_program_loads_no_streaming_and_no_sql_parser() -> None:
    out = run(
        """
        import sys
        spark.range(5).collect()
        heavy = ("sqlglot", "numba", "penstock.runtime", "penstock.connect.server", "pyarrow.dataset")
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert out == "[]\n"
