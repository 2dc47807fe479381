"""The demo: a real web server, visitors who browse it, and examples/top_urls.py counting URLs in its growing access
log.

usage: python examples/demo.py [--seconds 30] [--forever] [--directory demo-data] [--visitors 8]

Everything runs on this machine (the server listens on 127.0.0.1) and stops together.  The log, the results and the
checkpoints stay in the directory; start the demo again and the counts go on where they stopped.
"""

import argparse
import http.client
import http.server
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = [f"/docs/{page}" for page in ("windows", "watermarks", "kafka")]
PAGES = [
    "/",
    "/pricing",
    "/docs",
    *DOCS,
    "/blog",
    "/blog/exactly-once",
    "/download",
    "/about",
    "/search?q=spark",
    "/login",
]


class AccessLog:
    """Collects log lines and rotates them every `interval` seconds: a file appears in `directory` only when it is
    whole."""

    def __init__(self, directory: Path, interval: float) -> None:
        self.directory, self.interval = directory, interval
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lines: list[str] = []
        self.lock = threading.Lock()
        self.total = 0

    def add(self, line: str) -> None:
        with self.lock:
            self.lines.append(line)

    def rotate(self) -> None:
        with self.lock:
            lines, self.lines = self.lines, []
        if lines:
            name = f"access-{time.time_ns()}.log"
            hidden = self.directory / f".{name}"
            hidden.write_text("\n".join(lines) + "\n")
            hidden.rename(self.directory / name)
            self.total += len(lines)

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(self.interval):
            self.rotate()
        self.rotate()


def make_handler(log: AccessLog) -> type[http.server.BaseHTTPRequestHandler]:
    """A site of a few pages that logs every request in Common Log Format."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            known = any(path == page.partition("?")[0] for page in PAGES)
            body = f"<h1>{path}</h1>".encode() if known else b"<h1>not found</h1>"
            status = 200 if known else 404
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            client = self.headers.get("X-Forwarded-For", self.client_address[0])
            now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            log.add(f'{client} - - [{now}] "GET {self.path} {self.request_version}" {status} {len(body)}')

        def log_message(self, *_: object) -> None:
            """The access log is ours."""

    return Handler


def browse(port: int, visitor: int, stop: threading.Event) -> None:
    """One visitor: asks for popular pages often, for others seldom, and sometimes for one that is not there."""
    rng = random.Random(visitor)
    weights = [1 / (rank + 1) for rank in range(len(PAGES))]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    while not stop.is_set():
        page = rng.choices(PAGES, weights)[0] if rng.random() > 0.03 else f"/old/{rng.randrange(100)}"
        try:
            connection.request(
                "GET", page, headers={"X-Forwarded-For": f"203.0.113.{rng.randrange(1, 40) + visitor * 20}"}
            )
            connection.getresponse().read()
        except OSError:
            connection.close()
        stop.wait(rng.expovariate(120))


def start_site(log: AccessLog, visitors: int, stop: threading.Event) -> http.server.ThreadingHTTPServer:
    """Server, log rotation and visitors, each in threads of their own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make_handler(log))
    server.daemon_threads = True
    tasks = [(server.serve_forever, ()), (log.run, (stop,))]
    tasks += [(browse, (server.server_address[1], i, stop)) for i in range(visitors)]
    for target, args in tasks:
        threading.Thread(target=target, args=args, daemon=True).start()
    return server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--forever", action="store_true", help="run until Ctrl-C")
    parser.add_argument("--directory", type=Path, default=Path("demo-data"))
    parser.add_argument("--visitors", type=int, default=8)
    arguments = parser.parse_args()

    stop, log = threading.Event(), AccessLog(arguments.directory / "access-log", interval=0.5)
    server = start_site(log, arguments.visitors, stop)
    url, out = f"http://127.0.0.1:{server.server_address[1]}/", arguments.directory / "out"
    print(f"A web server at {url} with {arguments.visitors} visitors; its access log grows in {log.directory}/.")
    print(f"Running: penstock run examples/top_urls.py {log.directory} {out}\n", flush=True)
    command = [
        sys.executable,
        "-m",
        "penstock",
        "run",
        str(HERE / "top_urls.py"),
        str(log.directory),
        str(out),
    ]
    program = subprocess.Popen(command if arguments.forever else [*command, "--seconds", str(arguments.seconds)])
    try:
        code = program.wait()
    except KeyboardInterrupt:
        code = program.wait()
    stop.set()
    server.shutdown()
    print(
        f"""
{log.total:,} requests were logged.
  access log   {log.directory}/
  results      {out}/counts/      (Parquet; read it with any tool)
  checkpoint   {out}/checkpoint/  and {out}/checkpoint-live/
Go on: run the demo again with the same directory and the counts continue exactly once, also after kill -9.
Change the program: examples/top_urls.py is plain PySpark; run it with
  .venv/bin/penstock run examples/top_urls.py {log.directory} {out}
Start afresh: rm -r {arguments.directory}""",
        flush=True,
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
