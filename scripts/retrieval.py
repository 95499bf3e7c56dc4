#!/usr/bin/env python3
"""Holds the held-out retrieval of runs (metrics.jsonl, kind test, all modalities together, both directions) to a bound.

  retrieval.py above TIMES RUN...   R@1 is at least TIMES x chance
  retrieval.py chance P RUN...      so many hits, or more, have at least the probability P where images tell nothing (binomial)
"""
import json
import math
import sys


def directions(run):
    with open(run + "/metrics.jsonl") as f:
        tests = [r for r in map(json.loads, f) if r["kind"] == "test"]
    found = tests[-1]["retrieval"]["all"]
    for way in ("image_to_genetics", "genetics_to_image"):
        yield way, found[way]["r1"], found["candidates"]


def tail(hits, n):
    """The probability of at least so many hits in n draws of probability 1/n."""
    return sum(math.comb(n, k) * (1 / n) ** k * (1 - 1 / n) ** (n - k) for k in range(math.ceil(hits), n + 1))


def main():
    what, bound, runs = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    bad = 0
    for run in runs:
        for way, r1, n in directions(run):
            if what == "above":
                value, text = r1 * n, f"{r1 * n:.1f} x chance, want {bound:g}"
            else:
                hits = round(r1 * n, 6)
                value = tail(hits, n)
                text = f"{hits:g} hits among {n}, probability {value:.3g}, want {bound:g}"
            bad += not value >= bound
            print(f"{'ok' if value >= bound else 'FAILS'}: {run}, {way}: R@1 {r1:.3f}, {text}")
    sys.exit(bad > 0 or not runs)


if __name__ == "__main__":
    main()
