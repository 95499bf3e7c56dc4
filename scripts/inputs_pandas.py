#!/usr/bin/env python3
"""inputs_pandas.py DIR [SEED [N]]: N tables (1,000) that pandas writes in every way, for data/score's TestWritten. Needs pandas.

What a table holds is known before it is written. Each way of writing that may be refused names the right reasons; a table with none must be read.
"""
import csv, datetime, json, math, os, random, sys

import pandas as pd

OUT, SEED, N = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1, int(sys.argv[3]) if len(sys.argv) > 3 else 1000
QUOTING = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC, "none": csv.QUOTE_NONE}
MISSING = ["", "NA", "NaN", "nan", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A", "#NA", ".", "-nan", "1.#QNAN", "-1.#IND", "#N/A N/A"]
OTHER = ["missing", "-", "?", "unknown"]
FORMATS = [None, "%.6g", "%.3e", "%.10f", "%.17g", "%g", "%+.4f", "%E"]


def column(g, rows):
    """A name's kind, the column as pandas has it, and the values; None is missing."""
    gap = lambda: g.random() < .15
    kind = g.choice(["float", "float", "count", "carrier", "nullable", "logical", "unix", "large", "small"])
    if kind in ("float", "unix", "large", "small"):
        off, s = {"float": (0, 1), "unix": (1.7e9, 50), "large": (0, 1e30), "small": (0, 1e-20)}[kind]
        v = [None if gap() else off + g.gauss(0, s) for _ in range(rows)]
        return kind, pd.Series([math.nan if x is None else x for x in v], dtype="float64"), v
    if kind == "nullable":
        v = [None if gap() else g.randrange(-5, 400) for _ in range(rows)]
        return kind, pd.Series([pd.NA if x is None else x for x in v], dtype="Int64"), v
    if kind == "logical":
        v = [g.random() < .5 for _ in range(rows)]
        return kind, pd.Series(v, dtype="bool"), [float(x) for x in v]
    v = [g.randrange(2 if kind == "carrier" else 300) for _ in range(rows)]
    return kind, pd.Series(v, dtype="int64"), v


def one(g, n):
    rows, width = g.randrange(1, 30), g.randrange(1, 8)
    how, refuse = {}, []
    ids = [g.choice(["%07d", "P%d", "1.2.826.%d", "a-%d", "NA%d"]) % (10007 * (i + 1)) for i in range(rows)]
    suffix, sep = g.choice([(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".txt", "\t"), (".txt", " "), (".txt", ","), (".csv", ","), (".tsv", "\t")])
    how["suffix"], how["sep"] = suffix, sep
    quoting = g.choice(list(QUOTING))
    na = g.choice(MISSING + OTHER[:1]) if g.random() < .9 else g.choice(OTHER)
    if sep == " " and " " in na:
        na = "NA"
    floats = g.choice(FORMATS)
    frame, names, values = {"person_id": ids}, [], []
    for j in range(width):
        kind, series, v = column(g, rows)
        name = f"{kind}{j}"
        if quoting != "none" and g.random() < .3:
            name += g.choice(['"', ", x", "; x", "\nx", ' "in" x', " \u00e4"]) if sep != " " else g.choice([" y", '"q'])
            name = name.strip()
        if floats and series.dtype == "float64":
            v = [None if x is None else float(floats % x) for x in v]
        if na in OTHER and any(x is None for x in v):
            refuse.append("E107.*does not hold a finite number.*" + {"-": '"-"', "?": r'"\?"'}.get(na, na))
        frame[name], _ = series, names.append(name)
        values.append(v)
    options = dict(sep=sep, quoting=QUOTING[quoting], na_rep=na, float_format=floats, index=False, lineterminator=g.choice(["\n", "\r\n"]), encoding=g.choice(["utf-8", "utf-8", "utf-8-sig"]))
    df = pd.DataFrame(frame)
    must = any("\n" in x for x in names)
    if must:
        refuse.append("E108.*control character")  # no table of ours could give such a name back
    if na == "" and (width == 0 or sep == " ") and any(x is None for v in values for x in v) and quoting != "all":
        refuse.append("E106|E107|E102")
    spoil = g.choice([None] * 12 + ["decimal", "index", "rownames", "utf-16", "cp1252", "single", "pipe", "wrong suffix", "date", "yes", "inf", "float ids", "twice", "thousands", "percent", "escape", "underscore", "empty id"])
    if spoil == "decimal":
        options["decimal"] = ","
        if any(s.dtype == "float64" for c, s in df.items() if c != "person_id"):
            refuse += ["decimal comma", "E106"]
    elif spoil == "index":
        options["index"], must = True, True
        refuse += ["index=False", "another separator|different separators" if sep == " " else "index=False"]
    elif spoil == "rownames":
        options["index"], options["index_label"], must = True, False, True
        refuse += ["row names", "different separators|E106" if sep == " " else "row names"]
    elif spoil == "utf-16":
        options["encoding"], must = "utf-16", True
        refuse += ["E103.*UTF-16"]
    elif spoil == "cp1252":
        df["gr\u00f6\u00dfe"], must = range(rows), True
        options["encoding"] = "cp1252"
        refuse += ["E103.*WINDOWS-1252"]
    elif spoil == "single":
        options["quotechar"], options["quoting"], must = "'", csv.QUOTE_ALL, True
        refuse += ["quotes that are no double quotes"]
    elif spoil == "pipe":
        options["sep"], must = "|", True
        refuse += ["another separator"]
    elif spoil == "wrong suffix" and suffix == ".tsv":
        options["sep"], must = g.choice([",", ";"]), True
        refuse += ["another separator"]
    elif spoil == "wrong suffix" and suffix == ".csv":
        options["sep"], must = g.choice(["\t", " "]), True
        refuse += ["another separator", "E108"]
    elif spoil == "date":
        df["born"], must = [datetime.date(1950, 1, 1) + datetime.timedelta(g.randrange(9999)) for _ in range(rows)], True
        refuse += ["a date or time"]
    elif spoil == "yes":
        df["smoker"], must = [g.choice(["yes", "No"]) for _ in range(rows)], True
        refuse += ["write 1 and 0"]
    elif spoil == "inf":
        df["ratio"], must = [math.inf] * rows, True
        refuse += ["a division by zero"]
    elif spoil == "float ids":
        df["person_id"], must = [1000000.0 + i for i in range(rows)], True
        options["float_format"] = None
        refuse += [r"E102.*\.0"]
    elif spoil == "twice":
        df.insert(1, names[0], df[names[0]], allow_duplicates=True)
        must = True
        refuse += ["E108.*two columns"]
    elif spoil == "thousands":
        df["count,of"] = [f"{1234567 + i:,}" for i in range(rows)]
        options["quoting"], must = csv.QUOTE_ALL, True
        refuse += ["thousands"]
    elif spoil == "percent":
        df["share"], must = [f"{i}%" for i in range(rows)], True
        refuse += ["a percentage"]
    elif spoil == "underscore":
        df["plate"], must = [f"{i}_{i + 1}" for i in range(rows)], True
        refuse += ["an underscore"]
    elif spoil == "empty id":
        df.loc[0, "person_id"], must = None, True
        refuse += ["E102|E107|E106"] if na in OTHER or na == "" else ["E102.*missing"]
        must = na not in OTHER
        if na in OTHER:
            ids = [na] + ids[1:]
    elif spoil == "escape":
        options["doublequote"], options["escapechar"] = False, "\\"
    how.update(quoting=quoting, na_rep=na, float_format=floats, spoil=spoil)
    packed = g.choice(["", "", ".gz"])
    name = f"pandas/{n}{suffix}{packed}"
    try:
        df.to_csv(f"{OUT}/{name}", **options)
    except (csv.Error, UnicodeEncodeError):
        return None  # pandas cannot write it so
    return {"file": name, "kind": "table", "iid": ids, "names": names, "values": [list(r) for r in zip(*values)], "refuse": refuse, "must": must, "how": json.dumps(how)}


def main():
    g = random.Random(SEED)
    os.makedirs(OUT + "/pandas", exist_ok=True)
    with open(OUT + "/index.jsonl", "a") as index:
        n = 0
        while n < N:
            x = one(g, n)
            if x:
                index.write(json.dumps(x) + "\n")
                n += 1
    print(f"{n} tables of pandas {pd.__version__}")


main()
