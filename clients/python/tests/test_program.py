import json
import os
import subprocess
import sys
import textwrap
import unittest
from typing import Any, Dict, List, Optional

SRC = os.path.join(os.path.dirname(__file__), "..", "src")
HELLO = {"type": "hello", "protocol": 1, "agent": "mood", "version": 1, "codec": "json", "targets": ["sentiment"], "addressed": False}


def item(n: int, data: Any, **more: Any) -> Dict[str, Any]:
    return {"n": n, "data_id": f"id-{n}", "source": "app", "created": "2026-01-01T00:00:00.000Z", "topic": "feedback", "attempt": 1, "data": data, **more}


class Program:
    """A program that is run as Millrace runs it."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SRC},
        )

    def send(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> Dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def greet(self) -> "Program":
        self.send(HELLO)
        assert self.hear()["protocol"] == 1
        return self

    def results(self, items: List[Dict[str, Any]]) -> Dict[int, Dict[str, Any]]:
        self.send({"type": "batch", "data": items})
        found: Dict[int, Dict[str, Any]] = {}
        while len(found) < len(items):
            found.update({result["n"]: result for result in self.hear()["results"]})
        return found

    def end(self) -> "tuple[int, str]":
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors.decode()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: Optional[Any]) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


ECHO = """
    import millrace

    def echo(datum, context):
        if datum == "nothing": return None
        if datum == "many": return [1, 2]
        if datum == "stream": return (n for n in range(3))
        if datum == "wrong": raise ValueError("no such word")
        if datum == "final": raise millrace.NotRetryable("not to be had")
        if datum == "away": raise millrace.Blocked("the database") from OSError("refused")
        if datum == "nan": return float("nan")
        if datum == "print": print("said to nobody")
        return {"datum": datum, "context": context._asdict()}

    millrace.run(echo)
"""


class RunTest(unittest.TestCase):
    def test_outputs_are_none_one_or_many(self) -> None:
        with Program(ECHO).greet() as program:
            results = program.results([item(1, "nothing"), item(2, "many"), item(3, "stream"), item(4, {"text": "good"}, window=[1, 2], state=3)])
            self.assertEqual([results[n]["outputs"] for n in (1, 2, 3)], [[], [1, 2], [0, 1, 2]])
            (output,) = results[4]["outputs"]
            self.assertEqual(output["datum"], {"text": "good"})
            self.assertEqual({key: output["context"][key] for key in ("data_id", "window", "state")}, {"data_id": "id-4", "window": [1, 2], "state": 3})

    def test_a_failure_is_its_datum_s_alone(self) -> None:
        with Program(ECHO).greet() as program:
            results = program.results([item(1, "wrong"), item(2, "final"), item(3, "nan"), item(4, "good")])
            self.assertEqual({key: results[1]["error"][key] for key in ("name", "message", "retryable")}, {"name": "ValueError", "message": "no such word", "retryable": True})
            self.assertIn("in echo", results[1]["error"]["stack"])
            self.assertFalse(results[2]["error"]["retryable"])
            self.assertIn("cannot be written as JSON", results[3]["error"]["message"])
            self.assertEqual(results[4]["outputs"][0]["datum"], "good")

    def test_what_is_away_is_told_from_a_failure(self) -> None:
        with Program(ECHO).greet() as program:
            self.assertEqual(program.results([item(1, "away")])[1]["error"], {"message": "refused", "blocked_on": "the database"})

    def test_bytes_are_bytes(self) -> None:
        code = "import millrace\nmillrace.run(lambda datum, context: len(datum))"
        with Program(code).greet() as program:
            without = {key: value for key, value in item(1, None).items() if key != "data"}
            self.assertEqual(program.results([{**without, "data_base64": "AAECAw=="}])[1]["outputs"], [4])

    def test_what_is_printed_goes_to_the_log(self) -> None:
        with Program(ECHO).greet() as program:
            program.results([item(1, "print")])
            program.send({"type": "drain"})
            code, errors = program.end()
            self.assertEqual((code, errors), (0, "said to nobody\n"))

    def test_a_ping_is_answered_while_a_handler_works(self) -> None:
        code = "import millrace, time\nmillrace.run(lambda datum, context: time.sleep(datum))"
        with Program(code).greet() as program:
            program.send({"type": "batch", "data": [item(1, 0.5)]})
            program.send({"type": "ping"})
            self.assertEqual(program.hear(), {"type": "pong"})
            self.assertEqual(program.hear()["results"], [{"n": 1, "outputs": []}])

    def test_what_is_cancelled_is_answered_and_not_handled(self) -> None:
        code = "import millrace, time, sys\nmillrace.run(lambda datum, context: (time.sleep(0.3), print(datum, file=sys.stderr))[0])"
        with Program(code).greet() as program:
            program.send({"type": "batch", "data": [item(1, "first")]})
            program.send({"type": "batch", "data": [item(2, "second")]})
            program.send({"type": "cancel", "n": [2]})
            self.assertEqual([program.hear()["results"][0]["n"] for _ in range(2)], [1, 2])
            program.send({"type": "drain"})
            self.assertEqual(program.end(), (0, "first\n"))

    def test_it_ends_with_its_runner(self) -> None:
        code = "import millrace, time\nmillrace.run(lambda datum, context: time.sleep(60))"
        with Program(code).greet() as program:
            program.send({"type": "batch", "data": [item(1, "long")]})
            program.process.stdin.close()
            self.assertEqual(program.process.wait(timeout=5), 0)

    def test_another_version_of_the_protocol_is_refused(self) -> None:
        with Program(ECHO) as program:
            program.send({**HELLO, "protocol": 2})
            code, errors = program.end()
            self.assertEqual(code, 1)
            self.assertIn("speaks version 1", errors)


class RunBatchesTest(unittest.TestCase):
    CODE = """
        import millrace

        def predict(data, contexts):
            if "wrong" in data: raise ValueError("no such word")
            if "short" in data: return []
            return [f"{datum} of {len(data)}" for datum in data]

        millrace.run_batches(predict)
    """

    def test_a_batch_is_handled_at_once(self) -> None:
        with Program(self.CODE).greet() as program:
            results = program.results([item(1, "a"), item(2, "b")])
            self.assertEqual([results[n]["outputs"] for n in (1, 2)], [["a of 2"], ["b of 2"]])

    def test_only_those_fail_that_make_it_fail(self) -> None:
        with Program(self.CODE).greet() as program:
            results = program.results([item(1, "a"), item(2, "wrong"), item(3, "short")])
            self.assertEqual(results[1]["outputs"], ["a of 1"])
            self.assertEqual(results[2]["error"]["message"], "no such word")
            self.assertIn("0 entries for 1 data", results[3]["error"]["message"])


if __name__ == "__main__":
    unittest.main()
