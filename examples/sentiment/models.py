"""Two kinds of model over the same features. Each is trained from rows and their labels (1: good, 0: bad) and gives the probability of good."""

import math
from typing import Any, Dict, List, Sequence

Rows = Sequence[Sequence[float]]
Model = Dict[str, Any]

NEWTON_STEPS = 8
RIDGE = 1.0
TREES = 40
LEARNING_RATE = 0.35
BINS = 16
LEAST_IN_LEAF = 40


def probability(model: Model, row: Sequence[float]) -> float:
    score = _linear(model, row) if model["kind"] == "logistic regression" else _boosted(model, row)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def _linear(model: Model, row: Sequence[float]) -> float:
    score = model["bias"]
    for weight, value in zip(model["weights"], row):
        score += weight * value
    return score


def _boosted(model: Model, row: Sequence[float]) -> float:
    score = model["bias"]
    for tree in model["trees"]:
        node = tree
        while "feature" in node:
            node = node["below"] if row[node["feature"]] <= node["at"] else node["above"]
        score += node["adds"]
    return score


def logistic_regression(rows: Rows, labels: Sequence[int]) -> Model:
    """Newton's method on the likelihood, with a ridge (Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 4.4.1)."""
    size = len(rows[0]) + 1
    weights = [0.0] * size
    for _ in range(NEWTON_STEPS):
        # The Hessian, with the gradient as its last column.
        system = [[RIDGE if i == j else 0.0 for j in range(size)] + [-RIDGE * weights[i]] for i in range(size)]
        for row, label in zip(rows, labels):
            full = [1.0, *row]
            score = 0.0
            for weight, value in zip(weights, full):
                score += weight * value
            p = 1 / (1 + math.exp(-score))
            curve = p * (1 - p)
            for i, value in enumerate(full):
                if value == 0:
                    continue
                line = system[i]
                line[size] += value * (label - p)
                for j, other in enumerate(full):
                    line[j] += curve * value * other
        weights = [weight + step for weight, step in zip(weights, _solved(system))]
    return {"kind": "logistic regression", "bias": round(weights[0], 6), "weights": [round(weight, 6) for weight in weights[1:]]}


def _solved(system: List[List[float]]) -> List[float]:
    """Gaussian elimination with partial pivoting; the last column is the right side."""
    size = len(system)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(system[k][i]))
        system[i], system[pivot] = system[pivot], system[i]
        for r in range(size):
            if r != i:
                factor = system[r][i] / system[i][i]
                for c in range(i, size + 1):
                    system[r][c] -= factor * system[i][c]
    return [system[i][size] / system[i][i] for i in range(size)]


def boosted_trees(rows: Rows, labels: Sequence[int]) -> Model:
    """Trees of two levels, each fitted to what those before it leave open (Friedman 2001: Greedy Function Approximation), split at edges of bins."""
    edges = [_edges([row[feature] for row in rows]) for feature in range(len(rows[0]))]
    binned = [[_bin(row[feature], edges[feature]) for row in rows] for feature in range(len(edges))]
    good = 0
    for label in labels:
        good += label
    bias = math.log(good / (len(labels) - good))
    scores = [bias] * len(rows)
    trees = []
    for _ in range(TREES):
        chances = [1 / (1 + math.exp(-score)) for score in scores]
        open_ = [label - p for label, p in zip(labels, chances)]
        curves = [p * (1 - p) for p in chances]
        tree = _tree(list(range(len(rows))), 2, binned, edges, open_, curves)
        trees.append(tree)
        for i, row in enumerate(rows):
            node = tree
            while "feature" in node:
                node = node["below"] if row[node["feature"]] <= node["at"] else node["above"]
            scores[i] += node["adds"]
    return {"kind": "boosted trees", "bias": round(bias, 6), "trees": trees}


def _edges(values: Sequence[float]) -> List[float]:
    ordered = sorted(values)
    edges = [ordered[len(ordered) * i // BINS] for i in range(1, BINS)]
    return sorted({round(edge, 6) for edge in edges if edge < ordered[-1]})


def _bin(value: float, edges: Sequence[float]) -> int:
    place = 0
    while place < len(edges) and value > edges[place]:
        place += 1
    return place


def _tree(
    chosen: List[int], levels: int, binned: Sequence[Sequence[int]], edges: Sequence[List[float]], open_: Sequence[float], curves: Sequence[float]
) -> Dict[str, Any]:
    whole, curve = 0.0, 0.0
    for i in chosen:
        whole += open_[i]
        curve += curves[i]
    best, split = whole * whole / (curve + RIDGE), None
    for feature in range(len(edges) if levels > 0 else 0):
        count, gain, weight = ([0] * (len(edges[feature]) + 1) for _ in range(3))
        bins = binned[feature]
        for i in chosen:
            place = bins[i]
            count[place] += 1
            gain[place] += open_[i]
            weight[place] += curves[i]
        below, gained, weighed = 0, 0.0, 0.0
        for place in range(len(edges[feature])):
            below += count[place]
            gained += gain[place]
            weighed += weight[place]
            if below < LEAST_IN_LEAF or len(chosen) - below < LEAST_IN_LEAF:
                continue
            found = gained * gained / (weighed + RIDGE) + (whole - gained) ** 2 / (curve - weighed + RIDGE)
            if found > best + 1e-9:
                best, split = found, (feature, place)
    if split is None:
        return {"adds": round(LEARNING_RATE * whole / (curve + RIDGE), 6)}
    feature, place = split
    return {
        "feature": feature,
        "at": edges[feature][place],
        "below": _tree([i for i in chosen if binned[feature][i] <= place], levels - 1, binned, edges, open_, curves),
        "above": _tree([i for i in chosen if binned[feature][i] > place], levels - 1, binned, edges, open_, curves),
    }
