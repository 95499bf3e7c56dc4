"""The digits of scripts/simclr_digits.sh: `write DIR` makes images.tsv and its images, `judge DIR UNTRAINED TRAINED MARGIN`
compares the nearest neighbours of two sets of features."""
import pathlib
import sys

import numpy
from sklearn.datasets import load_digits


def write(folder):
    from PIL import Image

    folder.mkdir(parents=True)
    rows = ["person_id\timage"]
    for i, pixels in enumerate(load_digits().images):
        grey = Image.fromarray((pixels * 255 / 16).astype("uint8")).resize((40, 40), Image.BICUBIC)
        grey.convert("RGB").save(folder / f"{i:04d}.png")
        rows.append(f"d{i:04d}\t{i:04d}.png")
    (folder / "images.tsv").write_text("\n".join(rows) + "\n")


def accuracy(embedded, labels):
    """The share of images whose digit most of their 5 nearest neighbours among every tenth image have, by cosine: few labels, so that features matter."""
    x = numpy.load(embedded / "features.npy").astype("float64")
    names = (embedded / "persons.txt").read_text().split()
    y = numpy.array([labels[int(name[1:])] for name in names])
    x /= numpy.linalg.norm(x, axis=1, keepdims=True)
    held = numpy.arange(len(x)) % 10 > 0
    near = numpy.argsort(-(x[held] @ x[~held].T), axis=1, kind="stable")[:, :5]
    votes = numpy.array([numpy.bincount(row, minlength=10) for row in y[~held][near]])
    return float((votes.argmax(1) == y[held]).mean())


def judge(untrained, trained, margin):
    labels = load_digits().target
    before, after = accuracy(untrained, labels), accuracy(trained, labels)
    print(f"5 nearest neighbours name {after:.3f} of the digits from 180 labels after training, {before:.3f} before; wanted: {margin} more")
    sys.exit(0 if after >= before + margin else 1)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(pathlib.Path(sys.argv[2]))
    else:
        judge(pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]), float(sys.argv[5]))
