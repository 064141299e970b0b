"""A program of Millrace's protocol (docs/protocol.md): messages on stdin and stdout, a line of JSON each."""

import base64
import json
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

PROTOCOL = 1
NAME = "millrace-python 0.1.0"
# Answers are sent at the end of a batch, or sooner where its data take their time: others may go on with them.
FLUSH_SECONDS = 0.05


class Context(NamedTuple):
    """What is known of a datum beside its content."""

    data_id: str
    source: str
    created: str
    """RFC 3339, UTC."""
    topic: str
    attempt: int
    """1 the first time; more after failures."""
    window: Sequence[Any] = ()
    """The last data of its key, oldest first, itself last; empty where the agent has no window."""
    state: Any = None
    """The key's state with this datum folded in; None where the agent keeps none."""


class NotRetryable(Exception):
    """Raised by a handler where trying again cannot help: the datum goes to the dead letters at once."""


class Blocked(Exception):
    """Raised by a handler where not the datum is at fault but something that the handler needs is away, such as a database.

    The datum waits and is given again, with no attempt counted, for as long as that takes. ``on`` names what is away: ``Blocked("the database")``.
    """

    def __init__(self, on: str) -> None:
        super().__init__(on)
        self.on = on


Handler = Callable[[Any, Context], Any]
BatchHandler = Callable[[List[Any], List[Context]], Sequence[Any]]


def out(to: str, value: Any) -> Dict[str, Any]:
    """Addresses an output, for an agent with several targets."""
    return {"to": to, "value": value}


def run(handler: Handler) -> None:
    """Handles data one by one, until Millrace has no more. ``handler(datum, context)`` returns its outputs: none, one, or a list of them."""
    _Program(lambda items: _one_by_one(handler, items)).serve()


def run_batches(handler: BatchHandler) -> None:
    """Handles data as they come, many at once. ``handler(data, contexts)`` returns a list with one entry for each: none, one, or a list of outputs.

    Where it raises, it is called again with each datum alone, so that only those fail which make it.
    """
    _Program(lambda items: _together(handler, items)).serve()


Item = Dict[str, Any]
Result = Dict[str, Any]


def _one_by_one(handler: Handler, items: Sequence[Item]) -> Iterator[Result]:
    for item in items:
        try:
            yield {"n": item["n"], "outputs": _outputs(handler(_datum(item), _context(item)))}
        except Exception as error:  # A handler may raise anything, and it is the datum's failure.
            yield {"n": item["n"], "error": _error(error)}


def _together(handler: BatchHandler, items: Sequence[Item]) -> Iterator[Result]:
    try:
        results = handler([_datum(item) for item in items], [_context(item) for item in items])
        if len(results) != len(items):
            raise NotRetryable(f"The handler returned {len(results)} entries for {len(items)} data: it must return one for each.")
        answers = [{"n": item["n"], "outputs": _outputs(result)} for item, result in zip(items, results)]
    except Exception as error:
        # What is away is away for all of them.
        if len(items) == 1 or isinstance(error, Blocked):
            for item in items:
                yield {"n": item["n"], "error": _error(error)}
            return
        for item in items:
            yield from _together(handler, [item])
        return
    yield from answers


def _datum(item: Item) -> Any:
    encoded = item.get("data_base64")
    return item.get("data") if encoded is None else base64.b64decode(encoded)


def _context(item: Item) -> Context:
    return Context(
        item["data_id"], item["source"], item["created"], item["topic"], item["attempt"], item.get("window", ()), item.get("state")
    )


def _outputs(result: Any) -> List[Any]:
    if result is None:
        return []
    if isinstance(result, (list, tuple)) or hasattr(result, "__next__"):
        return list(result)
    return [result]


def _error(error: BaseException) -> Dict[str, Any]:
    if isinstance(error, Blocked):
        # What was caught when it was raised says what happened.
        cause = error.__cause__ or error.__context__
        return {"message": "" if cause is None else str(cause), "blocked_on": error.on}
    return {
        "name": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "stack": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
        "retryable": not isinstance(error, NotRetryable),
    }


class _Program:
    def __init__(self, handle: Callable[[Sequence[Item]], Iterator[Result]]) -> None:
        self._handle = handle
        self._inbox: "queue.SimpleQueue[Optional[Dict[str, Any]]]" = queue.SimpleQueue()
        self._cancelled: Set[int] = set()
        self._greeted = False
        self._draining = False
        self._writing = threading.Lock()
        self._out: BinaryIO = _take_stdout()

    def serve(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        hello = self._inbox.get()
        if hello is None:
            return
        if hello.get("type") != "hello" or hello.get("protocol") != PROTOCOL:
            sys.exit(f"This client speaks version {PROTOCOL} of the protocol, and was told {json.dumps(hello)}.")
        self._greeted = True
        self._send({"type": "hello", "protocol": PROTOCOL, "name": NAME})
        while True:
            message = self._inbox.get()
            if message is None or message["type"] == "drain":
                return
            if message["type"] == "batch":
                self._work(message["data"])

    def _read(self) -> None:
        """In a thread of its own, so that a handler at work keeps nobody waiting for a pong."""
        # Not sys.stdin: the interpreter could not end while another thread waits for it.
        for line in os.fdopen(os.dup(0), "rb"):
            message = json.loads(line)
            kind = message.get("type")
            if kind == "ping":
                self._send({"type": "pong"})
            elif kind == "cancel":
                self._cancelled.update(message["n"])
            else:
                self._draining = self._draining or kind == "drain"
                self._inbox.put(message)
        if self._greeted and not self._draining:
            # Nobody is there any more: whatever is in hand will be done by another process.
            os._exit(0)
        self._inbox.put(None)

    def _work(self, items: Sequence[Item]) -> None:
        results: List[str] = []
        wanted = [item for item in items if item["n"] not in self._cancelled]
        for item in items:
            if item["n"] in self._cancelled:
                self._cancelled.discard(item["n"])
                results.append(json.dumps({"n": item["n"], "outputs": []}))
        flushed = time.monotonic()
        for result in self._handle(wanted):
            results.append(_encoded(result))
            if time.monotonic() - flushed >= FLUSH_SECONDS:
                self._answer(results)
                results = []
                flushed = time.monotonic()
        self._answer(results)

    def _answer(self, results: Sequence[str]) -> None:
        if results:
            self._write('{"type":"results","results":[' + ",".join(results) + "]}")

    def _send(self, message: Dict[str, Any]) -> None:
        self._write(json.dumps(message))

    def _write(self, line: str) -> None:
        with self._writing:
            self._out.write(line.encode() + b"\n")
            self._out.flush()


def _encoded(result: Result) -> str:
    try:
        return json.dumps(result, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        failure = NotRetryable(f"An output cannot be written as JSON: {error}.")
        return json.dumps({"n": result["n"], "error": _error(failure)})


def _take_stdout() -> BinaryIO:
    """Keeps stdout for messages. What prints from now on, Python or not, goes to stderr: the agent's log."""
    sys.stdout.flush()
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    return messages
