"""A worker that takes an agent's data itself, over HTTP (docs/protocol.md): anywhere, in a container, started by whoever runs it."""

import faulthandler
import json
import os
import random
import signal
import sys
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from ._program import BatchHandler, Handler, Item, NotRetryable, Result, _encoded, _error, _one_by_one, _together
from ._servers import Away, Reply, Server, Servers

# How long a claim waits for data where there is one process to ask.
WAIT_SECONDS = 20.0
# And all of them together, where there are several: each holds data of its own.
ROUND_SECONDS = 1.0
# A commit is closed when it has so many bytes.
COMMIT_BYTES = 4 * 1024 * 1024
# Results of slow handlers are handed in so often, or after this share of the time that the claim holds, so that they keep it.
COMMIT_SECONDS = 1.0
COMMIT_SHARE = 0.25
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
# Beyond the claim's time, until a handler that is still at it ends the process.
STUCK_SECONDS = 2
EXIT_STUCK = 70


class Denied(Exception):
    """The key is missing, wrong, or not for this agent."""


def attach(
    handler: Handler, *, url: Optional[str] = None, key: Optional[str] = None, agent: Optional[str] = None, most: int = 500
) -> None:
    """Takes data and handles them one by one, until it is told to stop (SIGTERM, Ctrl-C). ``handler(datum, context)`` is that of :func:`run`.

    ``url``: where Millrace lets workers attach, ``http://host:7072``; else ``MILLRACE_URL``, else this machine. A name with several addresses
    means as many processes, and all of them are asked. ``key``: the agent's key, else ``MILLRACE_AGENT_KEY``. ``agent``: ``mood@1``, else
    ``MILLRACE_AGENT``. ``most``: how many data it takes at a time; few where each takes long, so that other workers have some.

    It waits for a Millrace that is away. A handler that is at one datum for longer than the agent's timeout ends the process: its data have
    been given to another, and whoever runs it starts it again. Raises :class:`Denied` where the key will not do.
    """
    _worker(lambda items: _one_by_one(handler, items), True, url, key, agent, most).serve()


def attach_batches(
    handler: BatchHandler, *, url: Optional[str] = None, key: Optional[str] = None, agent: Optional[str] = None, most: int = 500
) -> None:
    """The same with all data of a claim at once. ``handler(data, contexts)`` is that of :func:`run_batches`; it has the agent's timeout for all of them."""
    _worker(lambda items: _together(handler, items), False, url, key, agent, most).serve()


Handle = Callable[[Sequence[Item]], Iterator[Result]]


def _worker(handle: Handle, lazy: bool, url: Optional[str], key: Optional[str], agent: Optional[str], most: int) -> "_Worker":
    name = agent or os.environ.get("MILLRACE_AGENT", "")
    if "@" not in name:
        raise ValueError(f"The agent is {name!r}: name it with its version, as in attach(handler, agent='mood@1') or MILLRACE_AGENT=mood@1.")
    servers = Servers(url or os.environ.get("MILLRACE_URL") or "http://127.0.0.1:7072", key or os.environ.get("MILLRACE_AGENT_KEY"))
    return _Worker(handle, lazy, servers, name, most)


class _Stop(BaseException):
    """It was told to stop while it waited."""


class _Worker:
    def __init__(self, handle: Handle, lazy: bool, servers: Servers, agent: str, most: int) -> None:
        self._handle = handle
        self._lazy = lazy
        self._servers = servers
        self._path = f"/v1/agents/{agent}/"
        self._most = most
        self._stopping = False
        self._waiting = False
        self._pauses = 0
        self._said = ""
        self._watch = _Watch()

    def serve(self) -> None:
        before = self._catch_signals()
        try:
            empty = 0
            while not self._stopping:
                server, count = self._servers.next()
                # As long as another process may have data nobody is waited for.
                wait = WAIT_SECONDS if count == 1 else 0.0 if empty < count else ROUND_SECONDS / count
                batch = self._claim(server, wait)
                empty = empty + 1 if batch is None else 0
                if batch is not None:
                    self._work(server, batch)
        except _Stop:
            pass
        finally:
            self._servers.close()
            for number, handler in before.items():
                # None: it was set by something that is not Python.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _catch_signals(self) -> Dict[int, Any]:
        # Only the main thread may, and an application that calls this in another has handlers of its own.
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}

    def _stop(self, *_: Any) -> None:
        self._stopping = True
        if self._waiting:
            self._waiting = False
            raise _Stop

    def _claim(self, server: Server, wait: float) -> Optional[Dict[str, Any]]:
        wish = json.dumps({"most": self._most, "wait_ms": int(wait * 1000)}).encode()
        try:
            reply = self._patiently(lambda: server.post(self._path + "claim", wish, wait))
        except Away as error:
            self._pause(str(error), 0)
            return None
        if reply.status == 204:
            self._pauses = 0
            return None
        if reply.status == 200:
            self._pauses = 0
            return reply.json()
        _check(reply)
        self._pause(reply.problem(), reply.retry_after)
        return None

    def _patiently(self, do: Callable[[], Reply]) -> Reply:
        """Lets a signal end what only waits."""
        self._waiting = True
        if self._stopping:
            raise _Stop
        try:
            return do()
        finally:
            self._waiting = False

    def _work(self, server: Server, batch: Dict[str, Any]) -> None:
        seconds = batch["timeout_ms"] / 1000
        committing = _Committing(server, self._path + "commit", batch["claim"], seconds)
        left = len(batch["data"])
        self._watch.begin(seconds)
        try:
            for result in self._handle(batch["data"]):
                self._watch.progress()
                committing.add(result)
                left -= 1
                # What is not begun is given back, and another begins it at once.
                if self._stopping and self._lazy and left > 0:
                    committing.send(release=True)
                    return
                if not committing.is_current:
                    return
            committing.send()
        finally:
            self._watch.end()

    def _pause(self, why: str, least: float) -> None:
        if why != self._said:
            print(f"millrace: {why} It is asked again.", file=sys.stderr, flush=True)
        self._said = why
        ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._pauses)
        self._pauses = min(self._pauses + 1, 16)
        self._waiting = True
        if self._stopping:
            raise _Stop
        time.sleep(max(least, random.uniform(0, ceiling)))
        self._waiting = False


class _Committing:
    """The results of one claim, handed in as they come."""

    def __init__(self, server: Server, path: str, claim: str, seconds: float) -> None:
        self._server = server
        self._path = path
        self._claim = claim
        self._seconds = seconds
        self._pause = min(COMMIT_SECONDS, seconds * COMMIT_SHARE)
        self._results: List[str] = []
        self._bytes = 0
        self._sent = time.monotonic()
        self.is_current = True
        """Whether the claim is ours, as far as is known."""

    def add(self, result: Result) -> None:
        encoded = _encoded(result)
        self._results.append(encoded)
        self._bytes += len(encoded)
        if self._bytes >= COMMIT_BYTES or time.monotonic() - self._sent >= self._pause:
            self.send()

    def send(self, release: bool = False) -> None:
        results, self._results, self._bytes = self._results, [], 0
        if self.is_current and (results or release):
            self._send(results, release)
        self._sent = time.monotonic()

    def _send(self, results: List[str], release: bool) -> None:
        end = ',"release":true}' if release else "}"
        reply = self._until_answered(f'{{"claim":{json.dumps(self._claim)},"results":[{",".join(results)}]{end}'.encode())
        if reply is None or reply.status in (404, 408, 409):
            # Another has what of it is not done, or will: also where that process does not run the agent any more.
            self.is_current = False
            print(f"millrace: a commit was refused. {reply.problem() if reply else 'It found nobody in time.'}", file=sys.stderr, flush=True)
        elif reply.status == 413:
            self._send_in_parts(results, release)
        elif reply.status != 200:
            _check(reply)
            raise RuntimeError(reply.problem())

    def _send_in_parts(self, results: List[str], release: bool) -> None:
        if len(results) > 1:
            half = len(results) // 2
            self._send(results[:half], False)
            if self.is_current:
                self._send(results[half:], release)
            return
        n = json.loads(results[0])["n"]
        self._send([json.dumps({"n": n, "error": _error(NotRetryable("Its outputs are larger than what Millrace takes at once."))})], release)

    def _until_answered(self, body: bytes) -> Optional[Reply]:
        """A commit may be sent again: it takes effect once. None when the claim's time is over, and with it the reason to send it."""
        ends = time.monotonic() + self._seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                reply = self._server.post(self._path, body, self._seconds)
                if reply.status < 500:
                    return reply
                least = reply.retry_after
            except Away:
                least = 0.0
            if time.monotonic() >= ends:
                return None
            time.sleep(max(least, random.uniform(0, pause)))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _check(reply: Reply) -> None:
    if reply.status in (401, 403):
        raise Denied(reply.problem())


class _Watch:
    """Ends the process when a handler is at one datum for longer than the claim holds: it is of no use any more, and cannot be interrupted."""

    def __init__(self) -> None:
        self._left: Optional[int] = None
        self._seconds = 0
        self._thread: Optional[threading.Thread] = None

    def begin(self, seconds: float) -> None:
        self._seconds = int(seconds) + STUCK_SECONDS
        self._left = self._seconds
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def progress(self) -> None:
        self._left = self._seconds

    def end(self) -> None:
        self._left = None

    def _run(self) -> None:
        # Counted in ticks of its own: a process that was stopped for a while has not been at its datum for that long.
        while True:
            time.sleep(1)
            left = self._left
            if left is None:
                continue
            if left <= 0:
                print("millrace: the handler is stuck, and its data are given to another. This process ends. It is here:", file=sys.stderr, flush=True)
                faulthandler.dump_traceback()
                os._exit(EXIT_STUCK)
            self._left = left - 1
