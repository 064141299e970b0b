import http.server
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import unittest
from typing import Any, Dict, List, Optional, Tuple

from test_program import SRC, item

sys.path.insert(0, SRC)

from millrace._servers import Servers  # noqa: E402

DEADLINE = 20
HELD_MS = 30_000


class Millrace:
    """Answers what a worker asks as the test says, request by request."""

    def __init__(self, port: int = 0) -> None:
        self.asked: "queue.Queue[Tuple[str, Any, Dict[str, str]]]" = queue.Queue()
        self.answers: "queue.Queue[Tuple[int, Any]]" = queue.Queue()
        outer = self

        class Requests(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.put((self.path, body, dict(self.headers)))
                status, answer = outer.answers.get()
                if status == 0:
                    # The reply is lost.
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                if status != 204:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A worker that is killed closes its connection."""

        self.server = Server(("127.0.0.1", port), Requests)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hear(self, what: str) -> Dict[str, Any]:
        path, body, _ = self.asked.get(timeout=DEADLINE)
        assert path == f"/v1/agents/mood@1/{what}", path
        return body

    def give(self, items: List[Dict[str, Any]], timeout_ms: int = HELD_MS) -> None:
        self.answers.put((200, {"claim": "c1", "timeout_ms": timeout_ms, "data": items}))

    def taken(self) -> None:
        self.answers.put((200, {"left": 0}))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def results(commit: Dict[str, Any]) -> Dict[int, Dict[str, Any]]:
    assert commit["claim"] == "c1"
    return {result["n"]: result for result in commit["results"]}


ECHO = """
    import millrace, time

    def echo(datum, context):
        if datum == "wrong": raise ValueError("no such word")
        if datum == "slow":
            print("at work", flush=True)
            time.sleep(0.5)
        if datum == "stuck": time.sleep(3600)
        return {"datum": datum, "window": context.window}

    millrace.attach(echo)
"""


class AttachTest(unittest.TestCase):
    def setUp(self) -> None:
        self.millrace = Millrace()
        self.worker: Optional["subprocess.Popen[str]"] = None

    def tearDown(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.communicate()
        self.millrace.close()

    def start(self, code: str = ECHO, **env: str) -> "subprocess.Popen[str]":
        url = f"http://127.0.0.1:{self.millrace.port}"
        self.worker = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": SRC, "MILLRACE_URL": url, "MILLRACE_AGENT": "mood@1", "MILLRACE_AGENT_KEY": "a1.secret", **env},
        )
        return self.worker

    def end(self, worker: "subprocess.Popen[str]") -> Tuple[int, str]:
        _, errors = worker.communicate(timeout=DEADLINE)
        return worker.returncode, errors

    def test_it_claims_works_and_commits(self) -> None:
        self.start()
        path, wish, headers = self.millrace.asked.get(timeout=DEADLINE)
        self.assertEqual((path, wish, headers["Authorization"]), ("/v1/agents/mood@1/claim", {"most": 500, "wait_ms": 20000}, "Bearer a1.secret"))
        self.millrace.give([item(0, "good", window=[1, 2]), item(1, "wrong")])
        found = results(self.millrace.hear("commit"))
        self.assertEqual(found[0]["outputs"], [{"datum": "good", "window": [1, 2]}])
        self.assertEqual((found[1]["error"]["message"], found[1]["error"]["retryable"]), ("no such word", True))
        self.millrace.taken()
        self.millrace.hear("claim")

    def test_a_commit_whose_reply_is_lost_is_sent_again(self) -> None:
        self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "good")])
        first = self.millrace.hear("commit")
        self.millrace.answers.put((0, None))
        self.assertEqual(self.millrace.hear("commit"), first)
        self.millrace.answers.put((503, {"detail": "The agent is being started."}))
        self.assertEqual(self.millrace.hear("commit"), first)
        self.millrace.taken()
        self.millrace.hear("claim")

    def test_a_commit_that_is_refused_is_let_go_of(self) -> None:
        worker = self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "good")])
        self.millrace.hear("commit")
        self.millrace.answers.put((409, {"detail": "The claim has ended."}))
        self.millrace.hear("claim")
        worker.kill()
        self.assertIn("The claim has ended.", self.end(worker)[1])

    def test_results_of_slow_handlers_are_handed_in_as_they_come(self) -> None:
        self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "slow"), item(1, "slow"), item(2, "good")], timeout_ms=1_000)
        for expected in ([0], [1], [2]):
            self.assertEqual(list(results(self.millrace.hear("commit"))), expected)
            self.millrace.taken()

    def test_what_is_too_large_is_committed_in_parts_and_fails_where_it_is_one(self) -> None:
        self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "good"), item(1, "good")])
        self.assertEqual(list(results(self.millrace.hear("commit"))), [0, 1])
        self.millrace.answers.put((413, {"detail": "Too large."}))
        self.assertEqual(list(results(self.millrace.hear("commit"))), [0])
        self.millrace.taken()
        self.assertEqual(list(results(self.millrace.hear("commit"))), [1])
        self.millrace.answers.put((413, {"detail": "Too large."}))
        self.assertFalse(results(self.millrace.hear("commit"))[1]["error"]["retryable"])

    def test_told_to_stop_while_it_waits_it_ends(self) -> None:
        worker = self.start()
        self.millrace.hear("claim")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(worker), (0, ""))

    def test_told_to_stop_at_work_it_hands_in_what_it_has_and_gives_the_rest_back(self) -> None:
        worker = self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "slow"), item(1, "good"), item(2, "good")])
        assert worker.stdout is not None
        self.assertEqual(worker.stdout.readline(), "at work\n")
        worker.send_signal(signal.SIGTERM)
        commit = self.millrace.hear("commit")
        self.assertEqual((list(results(commit)), commit["release"]), ([0], True))
        self.millrace.taken()
        self.assertEqual(self.end(worker), (0, ""))

    def test_it_waits_for_a_millrace_that_is_away(self) -> None:
        port = self.millrace.port
        self.millrace.close()
        self.start()
        self.millrace = Millrace(port)
        self.millrace.hear("claim")
        self.millrace.answers.put((503, {"detail": "The agent is being started."}))
        self.millrace.hear("claim")
        self.millrace.answers.put((204, None))
        self.millrace.hear("claim")

    def test_a_key_that_will_not_do_ends_it(self) -> None:
        worker = self.start()
        self.millrace.hear("claim")
        self.millrace.answers.put((403, {"detail": "The key may not work for it."}))
        code, errors = self.end(worker)
        self.assertEqual(code, 1)
        self.assertIn("Denied: The key may not work for it.", errors)

    def test_a_handler_that_is_stuck_ends_its_process_and_says_where(self) -> None:
        worker = self.start()
        self.millrace.hear("claim")
        self.millrace.give([item(0, "stuck")], timeout_ms=200)
        code, errors = self.end(worker)
        self.assertEqual(code, 70)
        self.assertIn("in echo", errors)

    def test_an_agent_without_a_version_is_refused(self) -> None:
        code, errors = self.end(self.start(MILLRACE_AGENT="mood"))
        self.assertEqual(code, 1)
        self.assertIn("name it with its version", errors)

    def test_a_batch_is_handled_at_once_and_not_given_back_when_it_is_done(self) -> None:
        worker = self.start(
            """
            import millrace, time

            def predict(data, contexts):
                print("at work", flush=True)
                time.sleep(0.3)
                return [f"{datum} of {len(data)}" for datum in data]

            millrace.attach_batches(predict, most=2)
            """
        )
        self.assertEqual(self.millrace.hear("claim")["most"], 2)
        self.millrace.give([item(0, "a"), item(1, "b")])
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        commit = self.millrace.hear("commit")
        self.assertEqual([results(commit)[n]["outputs"] for n in (0, 1)], [["a of 2"], ["b of 2"]])
        self.assertNotIn("release", commit)
        self.millrace.taken()
        self.assertEqual(self.end(worker), (0, ""))


class ServersTest(unittest.TestCase):
    def test_each_address_of_a_name_is_a_process_whose_turn_comes(self) -> None:
        servers = Servers("http://agents.example:7072", None)
        servers._addresses = lambda: ["10.0.0.1", "10.0.0.2"]  # type: ignore[method-assign]
        turns = [servers.next() for _ in range(4)]
        self.assertEqual([(server.address, count) for server, count in turns], [("10.0.0.1", 2), ("10.0.0.2", 2)] * 2)
        self.assertIs(turns[0][0], turns[2][0])
        servers._addresses = lambda: ["10.0.0.2", "10.0.0.3"]  # type: ignore[method-assign]
        servers._looked = None
        self.assertEqual({servers.next()[0].address for _ in range(2)}, {"10.0.0.2", "10.0.0.3"})

    def test_a_name_of_this_machine_is_one_process(self) -> None:
        servers = Servers("http://localhost:7072", None)
        self.assertEqual([servers.next()[1] for _ in range(2)], [1, 1])

    def test_a_url_that_is_none_is_refused(self) -> None:
        for url in ("localhost:7072", "ftp://localhost"):
            with self.assertRaises(ValueError):
                Servers(url, None)


if __name__ == "__main__":
    unittest.main()
