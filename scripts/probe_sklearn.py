"""The features and labels of scripts/check_probe.sh: `write DIR SEED` makes a folder of features with labels, `judge DIR OUT TASK` fits scikit-learn to the same rows
with the regularisation that the probe chose, and compares predictions and metrics."""
import json
import pathlib
import sys

import numpy
from sklearn import linear_model, metrics, neighbors, preprocessing


def write(folder, seed):
    draw = numpy.random.default_rng(seed)
    n, width, classes = int(draw.integers(250, 500)), int(draw.integers(8, 90)), int(draw.integers(3, 6))
    folder.mkdir(parents=True)
    y = draw.integers(0, classes, n)
    centre = draw.normal(0, 1, (classes, 6))
    code = centre[y] + draw.normal(0, 1, (n, 6))
    x = numpy.maximum(0, code @ draw.normal(0, 1, (6, width)) + draw.normal(0, 0.5, (n, width))).astype("<f4")
    split = draw.choice(["train", "validation", "test"], n, p=[0.6, 0.1, 0.3])
    numpy.save(folder / "features.npy", x)
    rows = [f"p{i}\t{s}\t{i}" for i, s in enumerate(split)]
    (folder / "persons.tsv").write_text("\n".join(["person_id\tsplit\trow"] + rows) + "\n")
    trait = code @ draw.normal(0, 1, 6) * 10 + 120 + draw.normal(0, 5, n)
    binary = (code[:, 0] + draw.normal(0, 1, n) > 0).astype(int)
    lines = [f"p{i}\t{y[i]}\t{binary[i]}\t{float(trait[i])!r}" for i in range(n)]
    (folder / "labels.tsv").write_text("\n".join(["person_id\tgrade\tbinary\ttrait"] + lines) + "\n")


def table(path):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {name: [line[k] for line in lines[1:]] for k, name in enumerate(lines[0])}


def near(what, got, want, bound=1e-6):
    off = float(numpy.max(numpy.abs(numpy.asarray(got) - numpy.asarray(want))))
    print(f"  {what}: off by {off:.2g}")
    if not off <= bound:
        sys.exit(f"{what} is not scikit-learn's")


def judge(folder, out, task):
    m = json.loads((out / "metrics.json").read_text())
    labels, persons, mine = table(folder / "labels.tsv"), table(folder / "persons.tsv"), table(out / "private" / "predictions.tsv")
    split = numpy.array(persons["split"])
    x = numpy.load(folder / "features.npy").astype("float64")
    train = split == "train"
    row = {person: i for i, person in enumerate(persons["person_id"])}
    tested = numpy.array(mine["split"]) == "test"
    test = numpy.array([row[person] for person in numpy.array(mine["person_id"])[tested]])  # in the order of the predictions
    if set(test) != set(numpy.flatnonzero(split == "test")):
        sys.exit("other persons are predicted than those of the test split")
    value = {name: v["value"] for name, v in m["metrics"].items() if "value" in v}
    if task == "trait":
        y = numpy.array(labels["trait"], float)
        scale = preprocessing.StandardScaler().fit(x[train])
        fit = linear_model.Ridge(alpha=m["regularisation"][0], solver="svd").fit(scale.transform(x[train]), y[train])
        p = fit.predict(scale.transform(x[test]))
        near("predictions", numpy.array(mine["score_trait"], float)[tested], p)
        near("r2, mse, mae", [value["r2"], value["mse"], value["mae"]], [metrics.r2_score(y[test], p), metrics.mean_squared_error(y[test], p), metrics.mean_absolute_error(y[test], p)])
        best = linear_model.RidgeCV([train.sum() * f for f in (100, 10, 1, 0.1, 0.01, 1e-3, 1e-4, 1e-5)]).fit(scale.transform(x[train]), y[train]).alpha_
        near("alpha", m["regularisation"][0], best, 1e-9)
        return
    y = numpy.array(labels[task], int)
    k = len(m["names"])
    p = numpy.array([mine[f"score_{c}"] for c in m["names"]], float).T[tested]
    compared = p
    if m["method"] == "linear":
        scale = preprocessing.StandardScaler().fit(x[train])
        fit = linear_model.LogisticRegression(C=1 / (train.sum() * m["regularisation"][0]), tol=1e-12, max_iter=100000, solver="newton-cholesky").fit(scale.transform(x[train]), y[train])
        want = fit.predict_proba(scale.transform(x[test]))
    else:
        near_ = neighbors.KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=lambda d: numpy.exp((1 - d) / 0.07)).fit(x[train], y[train])
        want = near_.predict_proba(x[test])
        last = near_.kneighbors(x[test], 21)[0][:, 19:]  # of equals at the last place scikit-learn takes any: rows of zeros have nothing but equals
        told = last[:, 1] - last[:, 0] > 1e-9
        print(f"  {sum(~told)} of {len(told)} rows are left out: their last neighbour has an equal")
        compared, want = p[told], want[told]
    near("probabilities", compared, want)
    c = p.argmax(1)
    pairs = {"accuracy": metrics.accuracy_score(y[test], c), "balanced_accuracy": metrics.balanced_accuracy_score(y[test], c), "f1_macro": metrics.f1_score(y[test], c, average="macro"),
             "matthews_corrcoef": metrics.matthews_corrcoef(y[test], c), "cohen_kappa": metrics.cohen_kappa_score(y[test], c), "log_loss": metrics.log_loss(y[test], p, labels=range(k))}
    if k == 2:
        pairs |= {"roc_auc": metrics.roc_auc_score(y[test], p[:, 1]), "average_precision": metrics.average_precision_score(y[test], p[:, 1]), "brier_score": metrics.brier_score_loss(y[test], p[:, 1])}
    elif len(set(y[test])) == k:
        pairs |= {"roc_auc_macro": metrics.roc_auc_score(y[test], p, multi_class="ovr"), "roc_auc_ovo": metrics.roc_auc_score(y[test], p, multi_class="ovo")}
    one = len(set(c)) == 1  # class is all that is predicted: then we leave out what is 0/0, where scikit-learn says 0
    undefined = {"matthews_corrcoef": one or len(set(y[test])) == 1, "cohen_kappa": one and set(c) == set(y[test])}
    for name, want in pairs.items():
        if undefined.get(name):
            print(f"  {name}: is not defined")
            assert name not in value, f"{name} is {value[name]}, and not defined"
        else:
            near(name, value[name], want, 1e-9)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    else:
        judge(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4])
