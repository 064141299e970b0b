"""Agents for Millrace data pipelines: a handler and one call.

    import millrace

    def mood(feedback, context):
        return {"mood": score(feedback["text"])}

    millrace.run(mood)
"""

from ._attach import Denied, attach, attach_batches
from ._program import Blocked, Context, NotRetryable, out, run, run_batches

__all__ = ["Blocked", "Context", "Denied", "NotRetryable", "attach", "attach_batches", "out", "run", "run_batches"]
