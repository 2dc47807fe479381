"""The command `penstock`: run a program, serve clients, explain checkpoints."""

from __future__ import annotations

import _thread
import argparse
import atexit
import contextlib
import os
import queue
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from penstock import __version__

_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM
_STOP_LIMIT_S = 10.0
_FLUSH_LIMIT_S = 1.0
#: A signal that comes while the process is stopped is taken by any thread, which does not wake the main one.
_SLICE_S = 0.25


class Terminated(BaseException):
    """SIGTERM has come; raised in the main thread."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command."""
    options = _parser().parse_args(arguments)
    handler: Callable[[argparse.Namespace], int] = options.handler
    return handler(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="penstock", description="Spark Streaming programs without a JVM.")
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    run = commands.add_parser("run", help="run an unmodified PySpark program")
    run.add_argument("-m", dest="module", metavar="module", help="run a module instead of a file")
    _add_submit_options(run)
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="program [arguments]")
    run.set_defaults(handler=_run)
    serve = commands.add_parser("serve", help="answer Spark Connect clients over gRPC")
    serve.add_argument("--host", default="localhost", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=15002, help="port, 0 for any free one (default: %(default)s)")
    token = serve.add_mutually_exclusive_group()
    token.add_argument("--token", help="what clients have to send (other users of this machine can see it here)")
    token.add_argument("--token-file", type=Path, help="a file with the token")
    serve.add_argument("--tls-cert", type=Path, help="certificate chain (PEM)")
    serve.add_argument("--tls-key", type=Path, help="private key (PEM)")
    serve.set_defaults(handler=_serve)
    _add_checkpoint(commands)
    return parser


def _add_submit_options(run: argparse.ArgumentParser) -> None:
    """Those of spark-submit that mean something in one process."""
    run.add_argument("-c", "--conf", action="append", default=[], metavar="key=value", help="a setting of Spark")
    run.add_argument("--master", help="local, local[n] or local[*]")
    run.add_argument("--name", help="the application's name")
    run.add_argument(
        "--py-files", default="", metavar="paths", help="modules, directories, .zip and .egg files, by comma"
    )


def _add_checkpoint(commands: Any) -> None:
    checkpoint = commands.add_parser("checkpoint", help="explain, check or compare checkpoints")
    actions = checkpoint.add_subparsers(dest="action", required=True, metavar="action")
    show = actions.add_parser("show", help="explain a checkpoint: batches, offsets, state, what a restart will do")
    verify = actions.add_parser("verify", help="read every file, name damaged ones; exit code 1 if there are any")
    diff = actions.add_parser("diff", help="compare two checkpoints; exit code 1 if they differ")
    for action, names in ((show, ("path",)), (verify, ("path",)), (diff, ("left", "right"))):
        for name in names:
            action.add_argument(name, help="a checkpointLocation")
        action.set_defaults(handler=_checkpoint)


# ---------------------------------------------------------------- run


def _run(options: argparse.Namespace) -> int:
    """Run the program as __main__.  Its own end is the end: queries that still run are stopped, as Spark does when the
    driver exits."""
    arguments: list[str] = options.arguments
    if options.module is None and not arguments:
        return _complain("penstock run: give a program, or a module with -m")
    if options.module is None and not Path(arguments[0]).exists():
        return _complain(f"penstock run: there is no file {arguments[0]}")
    if malformed := [text for text in options.conf if "=" not in text]:
        return _complain(f"penstock run: --conf takes key=value, not {malformed[0]}")
    from penstock import classic, embed, findspark

    classic.submitted.update(_submitted(options))
    _add_py_files(options.py_files)
    embed.install()
    findspark.provide()
    try:
        code = _executed(options.module, arguments)
        _second_signals_leave()
    except (KeyboardInterrupt, Terminated) as second:
        _leave(_code_of(second))
    if _stop(embed.shutdown):
        atexit._run_exitfuncs()
    _flush()
    # Not through the interpreter's own clean-up: what daemon threads still hold then, the engine's library would report
    # as leaked on a program's standard error.
    os._exit(code)


def _executed(module: str | None, arguments: list[str]) -> int:
    """The exit code of the program that runs here until its end, or until the first signal that it does not handle."""
    try:
        signal.signal(signal.SIGTERM, _terminate)
        code = _outcome(lambda: _execute(module, arguments))
        _wait_for_threads()
        return code
    except (KeyboardInterrupt, Terminated) as first:
        return _code_of(first)


def _code_of(ending: BaseException) -> int:
    return _TERMINATED if isinstance(ending, Terminated) else _INTERRUPTED


def _submitted(options: argparse.Namespace) -> dict[str, str]:
    """The settings that spark-submit would make of its options."""
    settings = dict(text.split("=", 1) for text in options.conf)
    named = {"spark.master": options.master, "spark.app.name": options.name}
    return settings | {key: value for key, value in named.items() if value is not None}


def _add_py_files(paths: str) -> None:
    """Let the program import from the paths, before anything else but its own directory."""
    for path in filter(None, (text.strip() for text in reversed(paths.split(",")))):
        found = Path(path).resolve()
        sys.path.insert(1, str(found.parent if found.suffix == ".py" else found))


def _execute(module: str | None, arguments: list[str]) -> None:
    if module is not None:
        import runpy

        _first_path(Path.cwd())
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    path = Path(arguments[0])
    sys.argv = arguments
    if path.is_dir() or path.suffix in (".zip", ".pyz"):
        import runpy

        runpy.run_path(str(path), run_name="__main__")
        return
    _first_path(path.resolve().parent)
    main_module = types.ModuleType("__main__")
    main_module.__dict__.update(__file__=str(path), __builtins__=__builtins__)
    sys.modules["__main__"] = main_module
    # dont_inherit: this module's `from __future__ import annotations` is not the program's
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), main_module.__dict__)


def _first_path(directory: Path) -> None:
    """Where Python would look for modules first, in place of where `penstock` itself was found."""
    if sys.flags.safe_path:
        return
    sys.path[0:1] = [str(directory)]


def _outcome(program: Callable[[], None]) -> int:
    """The exit code that Python would give the program."""
    try:
        program()
    except (KeyboardInterrupt, Terminated):
        raise
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        _show(error)
        return 1
    return 0


def _show(error: BaseException) -> None:
    """The traceback from the program's first line on, through its own excepthook if it has one."""
    frames = error.__traceback__
    while frames is not None and _is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    _flush()
    try:
        sys.excepthook(type(error), error.with_traceback(frames), frames)
    except Exception:
        traceback.print_exception(error)


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen runpy")


def _wait_for_threads() -> None:
    """As Python does at its end: threads of the program that are no daemons go on, with the engine at their service."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            while thread.is_alive():
                thread.join(_SLICE_S)


def _terminate(number: int, frame: Any) -> None:
    raise Terminated


def _second_signals_leave() -> None:
    """They do not wait for running batches, which run again at the next start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: _leave(128 + number))


def _stop(shutdown: Callable[[], None]) -> bool:
    """Let running batches end, within a limit.  Whether everything has ended."""
    clean = threading.Event()

    def stop() -> None:
        try:
            shutdown()
            clean.set()
        except Exception as error:
            print(f"penstock: a query did not stop properly: {error}", file=sys.stderr)

    thread = threading.Thread(target=stop, daemon=True, name="penstock stop")
    thread.start()
    thread.join(_STOP_LIMIT_S)
    if thread.is_alive():
        limit = f"{_STOP_LIMIT_S:g} s"
        print(f"penstock: a batch did not end within {limit}: it runs again at the next start", file=sys.stderr)
    return clean.is_set()


def _leave(code: int) -> NoReturn:
    """End here and now.  What is printed is brought out, unless nobody takes it."""
    _try(_flush)
    os._exit(code)


def _try(action: Callable[[], object]) -> None:
    """Wait for an action that may stand still, but not long.  In a bare thread: the handler of a signal may have
    interrupted the main one anywhere, also where that holds a lock of a stream or of `threading`."""
    ended = _thread.allocate_lock()
    ended.acquire()

    def run() -> None:
        try:
            action()
        finally:
            ended.release()

    _thread.start_new_thread(run, ())
    ended.acquire(timeout=_FLUSH_LIMIT_S)


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: it was closed before Python began
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


# ---------------------------------------------------------------- checkpoint


def _checkpoint(options: argparse.Namespace) -> int:
    from penstock.inspection import command

    if options.action == "diff":
        return command.diff(options.left, options.right)
    return command.show(options.path) if options.action == "show" else command.verify(options.path)


# ---------------------------------------------------------------- serve


def _serve(options: argparse.Namespace) -> int:
    from penstock.connect.server import Address, Server
    from penstock.connect.service import Service
    from penstock.core.errors import SparkError

    came = _signals()
    try:
        address = Address(options.host, options.port, _token(options), options.tls_cert, options.tls_key)
        server = Server(Service(), address)
    except (SparkError, OSError) as error:
        return _complain(f"penstock serve: {getattr(error, 'message', error)}")
    server.start()
    _say(f"Penstock listens on sc://{options.host}:{server.port}")
    _wait_for(came)
    _second_signals_leave()
    _try(lambda: _say("Penstock stops"))

    def end() -> None:
        server.stop()
        atexit._run_exitfuncs()

    _stop(end)
    _leave(0)  # a thread that still waits for a client does not keep the process


def _signals() -> queue.SimpleQueue[int]:
    """Where SIGINT and SIGTERM arrive from now on.  No Event: its lock may be held by the main thread, which a handler
    interrupts between any two lines, and it would wait for itself."""
    came: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: came.put(number))
    return came


def _wait_for(came: queue.SimpleQueue[int]) -> None:
    while True:
        with contextlib.suppress(queue.Empty):
            came.get(timeout=_SLICE_S)
            return


def _say(text: str) -> None:
    """To who started the server, if he reads."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is None:
        return options.token or None
    token = str(options.token_file.read_text()).strip()
    if not token:
        raise OSError(f"the token file {options.token_file} is empty")
    return token
