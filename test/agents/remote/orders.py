"""A program that does what each datum says (src/testing/remote-suite.ts), by clients/python."""

import os
import time

import millrace


def orders(datum, context):
    do = datum["do"]
    if do == "echo":
        echo = {"n": datum["n"], "attempt": context.attempt}
        if context.window:
            echo["window"] = context.window
        if context.state is not None:
            echo["state"] = context.state
        return echo
    if do == "many":
        return [{"n": n} for n in range(datum["count"])]
    if do == "fail":
        raise ValueError(datum["message"])
    if do == "final":
        raise millrace.NotRetryable(datum["message"])
    if do == "block":
        raise millrace.Blocked(datum["on"])
    if do == "die":
        os._exit(7)
    if do == "hang":
        time.sleep(3600)
    return None


if "MILLRACE_URL" in os.environ:
    millrace.attach(orders)
else:
    millrace.run(orders)
