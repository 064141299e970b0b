"""Sends feedback that is made up through the front end, as an app or a shop's till would, until Ctrl-C, or so many rounds: `python3 produce.py --rounds 30`.

Each batch has an id of its own that follows from the seed, so that sending it again, after a failure or by running this again, stores nothing twice.
"""

import argparse
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from itertools import islice
from typing import Any, Dict, List

from feedback import Feedback, made

BATCH = 50
RETRY_SECONDS = 1
GIVE_UP_SECONDS = 60


def post(url: str, key: str, said: List[Feedback]) -> Dict[str, Any]:
    """Sends a batch until each of it has a final receipt."""
    headers = {"content-type": "application/x-ndjson", "idempotency-key": key}
    token = os.environ.get("SENTIMENT_KEY")
    if token is not None:
        headers["authorization"] = "Bearer " + token
    body = "\n".join(json.dumps(each) for each in said).encode()
    until = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            request = urllib.request.Request(url + "/v1/topics/feedback/batch", body, headers)
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = json.load(response)
            if answer["retry"] == 0:
                return answer
        except urllib.error.HTTPError as error:
            # The front end is there and says no: only some of that passes.
            if error.code != 429 and error.code < 500:
                raise SystemExit("error: %s answered %d: %s" % (url, error.code, error.read().decode()))
        except OSError as error:
            if time.monotonic() > until:
                raise SystemExit("error: %s cannot be reached: %s" % (url, error))
        if time.monotonic() > until:
            raise SystemExit("error: %s takes nothing." % url)
        time.sleep(RETRY_SECONDS)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default="http://127.0.0.1:7070")
    options.add_argument("--seed", type=int, default=int(time.time()), help="default: another each time")
    options.add_argument("--customers", type=int, default=100)
    options.add_argument("--rounds", type=int, default=sys.maxsize, help="how often each customer says something")
    options.add_argument("--rate", type=float, default=100, help="feedback a second")
    options.add_argument("--truth", default=os.devnull, help="a file that gets a line for each: its data_id and the mood that was behind it")
    asked = options.parse_args()

    stopping: List[int] = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: stopping.append(number))
    counts = {"accepted": 0, "duplicate": 0, "rejected": 0}
    everything = made(asked.seed, asked.customers, asked.rounds)
    began, sent = time.monotonic(), 0
    with open(asked.truth, "w", encoding="utf-8") as truth:
        while not stopping:
            batch = list(islice(everything, BATCH))
            if not batch:
                break
            answer = post(asked.url, "%d-%d-%d" % (asked.seed, asked.customers, sent), [said for said, _ in batch])
            sent += len(batch)
            for name in counts:
                counts[name] += answer[name]
            truth.writelines("%s %s\n" % (receipt["data_id"], mood) for receipt, (_, mood) in zip(answer["receipts"], batch))
            truth.flush()
            time.sleep(max(0.0, sent / asked.rate - (time.monotonic() - began)))
    print("%d feedback: %s" % (sent, ", ".join("%d %s" % (count, name) for name, count in counts.items())), flush=True)


if __name__ == "__main__":
    main()
