"""Trains both versions of the model on feedback that is made up, and says how they do on feedback of other customers: `python3 train.py`.

Writes model-1.json, a logistic regression, and model-2.json, boosted trees. It takes seconds and needs nothing but Python.
"""

import argparse
import json
import os
from collections import defaultdict, deque
from typing import Any, Callable, Deque, Dict, List, Sequence, Tuple

from features import WINDOW, Ranges, features, ranges
from feedback import made
from models import boosted_trees, logistic_regression, probability

TRAINING_SEED = 11
TEST_SEED = 12
CUSTOMERS = 150
ROUNDS = 30

Windows = List[Tuple[List[Dict[str, Any]], int]]


def windows(seed: int) -> Windows:
    """Each feedback with those of its customer before it, as the pipeline gives them, and whether the mood was good."""
    last: Dict[str, Deque[Dict[str, Any]]] = defaultdict(lambda: deque(maxlen=WINDOW))
    found: Windows = []
    for said, mood in made(seed, CUSTOMERS, ROUNDS):
        window = last[said["customer"]]
        window.append(said)
        found.append((list(window), 1 if mood == "good" else 0))
    return found


def trained(version: int, kind: Callable[[Sequence[Sequence[float]], Sequence[int]], Dict[str, Any]], data: Windows, scale: Ranges) -> Dict[str, Any]:
    rows = [features(window, scale) for window, _ in data]
    return {"version": version, "ranges": scale, **kind(rows, [label for _, label in data])}


def accuracy(model: Dict[str, Any], data: Windows) -> float:
    right = 0
    for window, label in data:
        right += (probability(model, features(window, model["ranges"])) > 0.5) == (label == 1)
    return right / len(data)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)), help="folder that the models are written to")
    folder = options.parse_args().out
    training, test = windows(TRAINING_SEED), windows(TEST_SEED)
    scale = ranges([window[-1] for window, _ in training])
    for version, kind in ((1, logistic_regression), (2, boosted_trees)):
        model = trained(version, kind, training, scale)
        with open(os.path.join(folder, "model-%d.json" % version), "w", encoding="utf-8") as file:
            json.dump(model, file, separators=(",", ":"))
            file.write("\n")
        print("version %d, %s: %.1f %% right" % (version, model["kind"], 100 * accuracy(model, test)))


if __name__ == "__main__":
    main()
