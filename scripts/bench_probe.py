#!/usr/bin/env python3
"""bench_probe.py [TURNS]: fits of probes by this program (the benchmarks of model/probe) and by scikit-learn to the same rows, in turn, with all processors each. Prints the median and the least
time of both in seconds, and their ratio. Both fit to convergence: scikit-learn's tolerance is 1e-6, of the gradient; the ridge chooses among seven alphas by leave-one-out errors.

Needs Go, and a python with NumPy and scikit-learn.
"""
import re
import statistics
import subprocess
import sys
import time

import numpy
from sklearn import linear_model, neighbors, preprocessing


def uniform(name, n):
    """The hash fill of golden numbers: FNV-1a of the name, then splitmix64."""
    h = 14695981039346656037
    for b in name.encode():
        h = (h ^ b) * 1099511628211 % 2**64
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(h) + numpy.arange(1, n + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
    return ((z ^ z >> numpy.uint64(31)) >> numpy.uint64(40)).astype(float) / 2**24


def fill(name, rows, columns, bound):
    return (bound * (2 * uniform(name, rows * columns) - 1)).astype(numpy.float32).astype(float).reshape(rows, columns)


def features(n, width, classes, rank=32):
    """The rows of the benchmarks, to rounding: model/probe/bench_test.go."""
    y = (uniform("class", n) * classes).astype(int)
    code = fill("code", n, rank, 1) + fill("centre", classes, rank, 0.7)[y] / 2
    return numpy.maximum(0, code @ fill("mix", rank, width, 1) + fill("noise", n, width, 0.2)), y


def logistic(n, width, classes, solver):
    x, y = features(n, width, classes)

    def fit():
        scaled = preprocessing.StandardScaler().fit_transform(x)
        linear_model.LogisticRegression(C=1 / (n * 1e-3), tol=1e-6, max_iter=10000, solver=solver).fit(scaled, y)

    return fit


def ridge(n, width):
    x, y = features(n, width, 4)
    y = y + numpy.sin(numpy.arange(n))
    return lambda: linear_model.RidgeCV([1e-2, 1e-1, 1, 10, 100, 1000, 1e4]).fit(preprocessing.StandardScaler().fit_transform(x), y)


def nearest():
    x, y = features(10000, 512, 5)
    test, _ = features(2000, 512, 5)
    return lambda: neighbors.KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=lambda d: numpy.exp((1 - d) / 0.07)).fit(x, y).kneighbors(test)


def contestants():
    for shape in [(10000, 512, 2), (10000, 512, 5), (500, 2048, 5)]:
        for solver in ["newton-cholesky", "lbfgs"]:
            if solver == "newton-cholesky" and shape[1] * shape[2] > 3000:
                continue  # its Hessian of classes x features takes minutes and gigabytes
            yield f"Logistic/{'x'.join(map(str, shape))}", solver, logistic(*shape, solver)
    for shape in [(10000, 512), (500, 2048)]:
        yield f"Ridge/{'x'.join(map(str, shape))}", "RidgeCV", ridge(*shape)
    yield "Nearest", "brute, cosine", nearest()


def ours(name):
    out = subprocess.run(["build/probe.test", "-test.run", "^$", "-test.benchtime", "1x", "-test.bench", f"^Benchmark{name.replace('/', '$/^')}$"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"\s([\d.]+) ns/op", out)[1]) / 1e9


def timed(fit):
    start = time.monotonic()
    fit()
    return time.monotonic() - start


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    subprocess.run(["go", "test", "-c", "-o", "build/probe.test", "./model/probe"], check=True)
    print("| probe | this program, median s | least | scikit-learn | median s | least | ratio of the least |\n|---|---|---|---|---|---|---|")
    for name, other, fit in contestants():
        mine, theirs = zip(*[(ours(name), timed(fit)) for _ in range(turns)])
        print(f"| {name} | {statistics.median(mine):.3f} | {min(mine):.3f} | {other} | {statistics.median(theirs):.3f} | {min(theirs):.3f} | {min(theirs) / min(mine):.1f} |", flush=True)


if __name__ == "__main__":
    main()
