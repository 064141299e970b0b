"""The agent: what mood is a customer in, by the last of what they said? `python3 sentiment.py model-1.json` is what the pipeline runs."""

import json
import os
import sys

import millrace

from features import features
from models import probability

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), sys.argv[1]), encoding="utf-8") as file:
    MODEL = json.load(file)


def sentiment(said, context):
    good = probability(MODEL, features(context.window, MODEL["ranges"]))
    return {
        "feedback": context.data_id,
        "customer": said["customer"],
        "mood": "good" if good > 0.5 else "bad",
        "probability": round(good, 4),
        "model": MODEL["version"],
    }


millrace.run(sentiment)
