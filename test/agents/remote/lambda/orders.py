"""A Lambda function that does what each datum says (src/testing/remote-suite.ts), and more."""

import os
import time


def handler(event, context):
    return {"results": [result_of(item) for item in event["data"]]}


def partial(event, context):
    """Answers as AWS's own event sources have it."""
    failed = [item["data_id"] for item in event["data"] if item["data"]["do"] == "fail"]
    return {"batchItemFailures": [{"itemIdentifier": data_id} for data_id in failed]}


def result_of(item):
    n, data = item["n"], item["data"]
    do = data["do"]
    if do == "die":
        os._exit(7)
    if do == "hang":
        time.sleep(3600)
    if do == "throw":
        raise IndexError(data["message"])
    if do == "fail":
        return {"n": n, "error": {"name": "ValueError", "message": data["message"]}}
    if do == "block":
        return {"n": n, "error": {"blocked_on": data["on"]}}
    if do == "final":
        return {"n": n, "error": {"name": "ValueError", "message": data["message"], "retryable": False}}
    if do == "many":
        return {"n": n, "outputs": [{"n": i} for i in range(data["count"])]}
    if do == "large":
        return {"n": n, "outputs": ["x" * data["bytes"]]}
    if do == "echo":
        echo = {"n": data["n"], "attempt": item["attempt"]}
        echo.update({key: item[key] for key in ("window", "state") if key in item})
        return {"n": n, "outputs": [echo]}
    return {"n": n, "outputs": []}
