"""Feedback as customers give it, made up: the same seed makes the same feedback.

Each customer has a mood that wanders, which nobody sees. What they say shows some of it, each in a way of their own: one gives five stars to everything.
`python3 feedback.py --customers 10 --rounds 3` prints some, a line of JSON each, with the mood that was behind it.
"""

import argparse
import json
import random
from typing import Any, Dict, Iterator, Tuple

CHANNELS = ("app", "web", "phone", "shop")
PRODUCTS = ("basic", "plus", "pro")

Feedback = Dict[str, Any]


class Customer:
    def __init__(self, name: str, draw: random.Random) -> None:
        self.name = name
        self.product = draw.choice(PRODUCTS)
        self.usual_channel = draw.choice(CHANNELS)
        self.temper = draw.gauss(0, 0.7)
        self.generosity = draw.gauss(0, 0.8)
        self.mood = self.temper

    def feedback(self, ticket: str, draw: random.Random) -> Tuple[Feedback, str]:
        self.mood = 0.85 * self.mood + 0.15 * self.temper + draw.gauss(0, 0.4)
        channel = self.usual_channel if draw.random() < 0.6 else draw.choice(CHANNELS)
        minutes = draw.expovariate(1 / (14 if channel == "phone" else 7))
        refunded = draw.random() < 0.1
        felt = self.mood + 0.6
        # What hurts depends on more than one thing, which is what a linear model cannot say.
        if channel == "phone" and minutes > 12:
            felt -= 2.2
        elif minutes > 20:
            felt -= 1.4
        if refunded:
            felt += 1.2 if self.product == "basic" else -1.6
        # Stars are for the product, whatever the service was like.
        stars = round(3 + 1.1 * self.mood + self.generosity + draw.gauss(0, 0.4))
        told = {
            "ticket": ticket,
            "customer": self.name,
            "channel": channel,
            "product": self.product,
            "stars": min(5, max(1, stars)),
            "minutes": round(minutes, 1),
            "words": min(400, int(2.718281828 ** draw.gauss(2.4 + 0.4 * abs(felt), 0.6))),
            "refunded": refunded,
        }
        return told, "good" if felt + draw.gauss(0, 0.25) > 0 else "bad"


def made(seed: int, customers: int, rounds: int) -> Iterator[Tuple[Feedback, str]]:
    """In each round every customer says something. Yields what was said, and the mood behind it."""
    draw = random.Random(seed)
    everyone = [Customer("c-%04d" % i, draw) for i in range(customers)]
    for turn in range(rounds):
        for i, customer in enumerate(everyone):
            yield customer.feedback("t-%d-%06d" % (seed, turn * customers + i), draw)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--customers", type=int, default=10)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    for said, mood in made(asked.seed, asked.customers, asked.rounds):
        print(json.dumps({"feedback": said, "mood": mood}))
