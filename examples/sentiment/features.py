"""A customer's last feedback as the numbers that a model is given."""

from typing import Any, Dict, List, Sequence

from feedback import CHANNELS, PRODUCTS

NUMBERS = ("stars", "minutes", "words")
WINDOW = 20

Ranges = Dict[str, List[float]]


def ranges(data: Sequence[Dict[str, Any]]) -> Ranges:
    """What 0 and 1 stand for, of each number: its least and its greatest in the data that a model is trained on."""
    return {name: [min(datum[name] for datum in data), max(datum[name] for datum in data)] for name in NUMBERS}


def features(window: Sequence[Dict[str, Any]], scale: Ranges) -> List[float]:
    """The features of the window's last feedback: its numbers scaled to 0…1; its channel and product, one-hot; and how it differs from what the customer usually says."""
    last = window[-1]
    values: List[float] = []
    for name in NUMBERS:
        low, high = scale[name]
        scaled = [min(1.0, max(0.0, (said[name] - low) / (high - low))) for said in window]
        mean = total(scaled) / len(scaled)
        values += [scaled[-1], mean, scaled[-1] - mean]
    values += [1.0 if last["channel"] == channel else 0.0 for channel in CHANNELS]
    values += [1.0 if last["product"] == product else 0.0 for product in PRODUCTS]
    values += [1.0 if last["refunded"] else 0.0]
    values += [total([1.0 if said["refunded"] else 0.0 for said in window]) / len(window), len(window) / WINDOW]
    return values


def total(values: Sequence[float]) -> float:
    """Added one by one: `sum` rounds otherwise in some versions of Python, and a model must mean the same in each."""
    added = 0.0
    for value in values:
        added += value
    return added
