"""The cohort of scripts/verdict_digits.sh, of scikit-learn's handwritten digits as images, one of each participant, and three modalities: strokes, the grey
levels of cells of the image; traits, what follows from the digit, with noise; snps, drawn genotypes that have nothing to do with it.
`write DIR` makes it; `judge RUN` asks of a run's metrics.jsonl and report.html that they say so, each with an interval."""
import json
import pathlib
import sys

SNPS, TRAITS = 300, 6
LEARNT, NOT_ABOVE = "learnt", "not above chance"
WANTED = {"strokes": LEARNT, "traits": LEARNT, "snps": NOT_ABOVE}


def write(folder):
    import numpy
    from PIL import Image
    from sklearn.datasets import load_digits

    digits, draw = load_digits(), numpy.random.default_rng(7)
    (folder / "images").mkdir(parents=True)
    names = [f"d{i:04d}" for i in range(len(digits.images))]
    rows = ["person_id\timage\tgroup"]
    for name, pixels in zip(names, digits.images):
        grey = Image.fromarray((pixels * 255 / 16).astype("uint8")).resize((40, 40), Image.BICUBIC)
        grey.convert("RGB").save(folder / "images" / f"{name}.png")
        rows.append(f"{name}\timages/{name}.png\t{name}")
    (folder / "images.tsv").write_text("\n".join(rows) + "\n")
    strokes = digits.images.reshape(-1, 8, 4, 2).mean(3).reshape(len(names), -1)  # 8 x 4 cells
    strokes = strokes + draw.normal(0, 1, strokes.shape)
    own = draw.normal(0, 1, (10, TRAITS))  # of each digit
    traits = own[digits.target] + draw.normal(0, 0.5, (len(names), TRAITS))
    for name, values in {"strokes": strokes, "traits": traits}.items():
        head = "\t".join(["person_id"] + [f"{name}_{k}" for k in range(values.shape[1])])
        lines = ["\t".join([n] + [f"{v:.4f}" for v in row]) for n, row in zip(names, values)]
        (folder / f"{name}.tsv").write_text("\n".join([head] + lines) + "\n")
    bed(folder, names, draw)
    (folder / "data.toml").write_text('[snps]\nfiles = "cohort"\n[table.strokes]\ntable = "strokes.tsv"\n[table.traits]\ntable = "traits.tsv"\n')


def bed(folder, names, draw):
    """A PLINK fileset of unlinked variants in Hardy-Weinberg equilibrium."""
    import numpy

    (folder / "cohort.fam").write_text("".join(f"{n} {n} 0 0 0 -9\n" for n in names))
    (folder / "cohort.bim").write_text("".join(f"1 rs{k + 1} 0 {1000 * (k + 1)} A G\n" for k in range(SNPS)))
    code = numpy.array([3, 2, 0], "uint8")  # 0, 1 and 2 copies of the first allele
    with open(folder / "cohort.bed", "wb") as out:
        out.write(b"\x6c\x1b\x01")
        for frequency in draw.uniform(0.05, 0.5, SNPS):
            g = code[draw.binomial(2, frequency, len(names))]
            g = numpy.append(g, numpy.zeros(-len(g) % 4, "uint8")).reshape(-1, 4)
            out.write((g[:, 0] | g[:, 1] << 2 | g[:, 2] << 4 | g[:, 3] << 6).astype("uint8").tobytes())


def judge(run):
    test = [x for x in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()) if x["kind"] == "test"][-1]
    page, good = (run / "report.html").read_text(), True
    for name, wanted in WANTED.items():
        r = test["retrieval"][name]
        ways = [r["image_to_genetics"], r["genetics_to_image"]]
        up = sum(w["r10_interval"]["low"] > r["chance_r10"] for w in ways)
        found = {2: LEARNT, 1: "one direction", 0: NOT_ABOVE}[up]
        shown = f'data-modality="{name}" data-verdict="{wanted}"' in page
        text = ", ".join(f'{w["r10"]:.3f} ({w["r10_interval"]["low"]:.3f}-{w["r10_interval"]["high"]:.3f})' for w in ways)
        print(f'{"ok" if found == wanted and shown else "FAILS"}: {name}: {found}, recall@10 {text}, chance {r["chance_r10"]:.3f}; in the report: {shown}')
        good = good and found == wanted and shown
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    {"write": write, "judge": judge}[sys.argv[1]](pathlib.Path(sys.argv[2]))
