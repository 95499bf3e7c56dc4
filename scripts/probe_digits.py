"""The labels and the table of scripts/probe_digits.sh: `labels DIR` writes which digit each image of scripts/verdict_digits.py shows, `table DOC MARGIN METHOD=OUT...`
writes what the probes found between two lines of a document, and fails where ContIG's features are not better than random ones by the margin, of the fits on the fewest labels: with all of them
random features name nearly every digit too."""
import json
import pathlib
import sys

BEGIN, END = "<!-- digits: written by scripts/probe_digits.sh -->\n", "<!-- end of digits -->"


def labels(folder):
    from sklearn.datasets import load_digits

    rows = [f"d{i:04d}\t{digit}" for i, digit in enumerate(load_digits().target)]
    (folder / "labels.tsv").write_text("\n".join(["person_id\tdigit"] + rows) + "\n")


def words(v):
    return f"{v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}]"


def table(doc, margin, outs):
    lines, good = ["| probe | labelled persons | encoder | accuracy | ContIG less it | macro AUC |", "|---|---|---|---|---|---|"], True
    found = [(name, json.loads((out / "metrics.json").read_text())) for name, out in outs]
    fewest = min(m["against"][0]["training_persons"] for _, m in found)
    for name, m in found:
        rows = [("ContIG", m["metrics"], None)] + [(pathlib.Path(a["encoder"]).name, a["metrics"], a["difference"]["accuracy"]) for a in m["against"]]
        trained = m["against"][0]["training_persons"]
        for encoder, values, less in rows:
            lines.append(f"| {name} | {trained} | {encoder} | {words(values['accuracy'])} | {words(less) if less else ''} | {words(values['roc_auc_macro'])} |")
            if encoder == "random" and name != "fine-tuned" and trained == fewest and not less["low"] >= margin:
                good = False
    text = doc.read_text()
    head, rest = text.split(BEGIN)
    doc.write_text(head + BEGIN + "\n".join(lines) + "\n" + rest[rest.index(END):])
    print("\n".join(lines))
    if not good:
        sys.exit(f"ContIG is not above random features by {margin}, by the lower end of the interval")


if __name__ == "__main__":
    if sys.argv[1] == "labels":
        labels(pathlib.Path(sys.argv[2]))
    else:
        table(pathlib.Path(sys.argv[2]), float(sys.argv[3]), [(name, pathlib.Path(out)) for name, out in (w.split("=") for w in sys.argv[4:])])
