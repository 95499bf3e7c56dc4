#!/usr/bin/env python3
"""frames_pandas.py FOLDER SEED: writes tables as NumPy, h5py, anndata and pandas (Parquet) write them, and index.json, which says what stands in each, or by which
number it must be refused. TestWritten of data/frame reads them. Needs numpy, scipy, pandas, pyarrow, h5py and anndata."""

import json
import os
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse

KINDS = ["f4", "f8", "f2", "i1", "i2", "i4", "u1", "bool"]


class Folder:
    def __init__(self, path, seed):
        self.path, self.rng, self.files = path, np.random.default_rng(seed), []
        self.rows, self.columns = int(self.rng.integers(1, 300)), int(self.rng.integers(1, 60))
        self.columns += self.rows == self.columns  # of a square array nothing says which side is the persons'
        self.ids = [str(1000000 + i) for i in self.rng.permutation(self.rows)]
        self.names = [f"g{j}" for j in range(self.columns)]

    def at(self, name):
        return os.path.join(self.path, name)

    def add(self, name, values, **more):
        rows = [[None if np.isnan(v) else float(v) for v in r] for r in values.astype("f8")]
        self.files.append(dict(file=name, values=rows, **more))

    def refuse(self, name, code, **more):
        self.files.append(dict(file=name, refuse=code, **more))

    def draw(self, kind):
        shape = (self.rows, self.columns)
        if kind[0] == "f":
            a = self.rng.normal(size=shape).astype(kind)
            a[self.rng.random(shape) < 0.1] = np.nan
            return a
        if kind == "bool":
            return self.rng.random(shape) < 0.3
        return self.rng.integers(-3 if kind[0] == "i" else 0, 4, size=shape).astype(kind)

    def frame(self, values):
        return pd.DataFrame(values, columns=self.names)


def arrays(f, kind):
    a = f.draw(kind)
    for name, b in [(kind, a), (kind + "_t", a.T), (kind + "_f", np.asfortranarray(a))]:
        np.save(f.at(name + ".npy"), b)
        f.add(name + ".npy", a, lists=True)
    if kind != "bool":
        np.save(f.at(kind + "_be.npy"), a.astype(">" + kind))
        f.add(kind + "_be.npy", a, lists=True)


def hdf5(f, kind):
    a = f.draw(kind)
    n, m = f.rows, f.columns
    layouts = {"plain": {}, "gz": {"compression": "gzip"}, "all": {"compression": "gzip", "shuffle": True, "fletcher32": True}, "row": {"chunks": (1, m)},
               "chunk": {"chunks": (max(1, n // 3), max(1, m // 2)), "compression": "gzip", "compression_opts": 9}, "grows": {"maxshape": (None, None), "compression": "gzip"}}
    for layout, how in layouts.items():
        for turned in (False, True):
            how = dict(how)
            if turned and "chunks" in how:
                how["chunks"] = how["chunks"][::-1]
            name = f"{kind}_{layout}_{int(turned)}.h5"
            with h5py.File(f.at(name), "w") as h:
                h.create_dataset("G", data=a.T if turned else a, **how)
                for k in range(40 if layout == "gz" else 0):
                    h.create_dataset(f"other{k}", data=[1, 2])
            f.add(name, a, lists=True)


def hdf5_places(f):
    a = f.draw("f4")
    with h5py.File(f.at("nested.h5"), "w") as h:
        h.create_dataset("a/b/c", data=a, compression="gzip")
    f.add("nested.h5", a, lists=True, dataset="/a/b/c")
    with h5py.File(f.at("only.h5"), "w") as h:
        h.create_dataset("burden", data=a)
    f.add("only.h5", a, lists=True)
    with h5py.File(f.at("part.h5"), "w") as h:
        d = h.create_dataset("G", shape=a.shape, dtype="f4", chunks=(max(1, f.rows // 4), max(1, f.columns // 2)), fillvalue=7.0)
        d[: max(1, f.rows // 4)] = a[: max(1, f.rows // 4)]
    with h5py.File(f.at("part.h5")) as h:
        f.add("part.h5", h["G"][:], lists=True)
    with h5py.File(f.at("latest.h5"), "w", libver="latest") as h:
        h.create_dataset("G", data=a)
    f.refuse("latest.h5", 410, lists=True)
    with h5py.File(f.at("lzf.h5"), "w") as h:
        h.create_dataset("G", data=a, compression="lzf")
    f.refuse("lzf.h5", 410, lists=True)
    anndata.AnnData(X=a.copy(), obs=pd.DataFrame(index=f.ids), var=pd.DataFrame(index=f.names)).write_h5ad(f.at("x.h5ad"), compression="gzip")
    f.add("x.h5ad", a)
    if a.shape[0] != a.shape[1]:  # a square one is refused
        for name, kind in (("csr.h5ad", scipy.sparse.csr_matrix), ("csc.h5ad", scipy.sparse.csc_matrix)):
            anndata.AnnData(X=kind(a), obs=pd.DataFrame(index=f.ids), var=pd.DataFrame(index=f.names)).write_h5ad(f.at(name), compression="gzip")
            f.add(name, a)


def parquet(f, kind):
    a = f.draw(kind)

    def put(end, frame, **how):
        name = f"{kind}_{end}.parquet"
        frame.to_parquet(f.at(name), **how)
        f.add(name, a)

    first = f.frame(a)
    first.insert(0, "person_id", f.ids)
    put("id", first)
    if kind == "bool":
        first.to_parquet(f.at("runs.parquet"), data_page_version="2.0")
        f.refuse("runs.parquet", 410)
    else:
        put("brotli", first, compression="brotli", data_page_version="2.0")
    named, unnamed, number, both = f.frame(a), f.frame(a), f.frame(a), f.frame(a)
    named.index = pd.Index(f.ids, name="IID")
    put("index", named, compression="gzip")
    unnamed.index = f.ids
    put("pandas", unnamed, compression="zstd", row_group_size=7)
    number.insert(0, "person_id", [int(i) for i in f.ids])
    put("int", number, compression=None, data_page_size=100, use_dictionary=False)
    both.insert(0, "FID", f.ids)
    both.insert(1, "IID", f.ids)
    put("pair", both)


def parquet_refused(f):
    nullable = pd.DataFrame({"person_id": f.ids, "a": pd.array([1] * f.rows, dtype="Int64")})
    nullable.loc[0, "a"] = pd.NA
    nullable.to_parquet(f.at("nullable.parquet"))
    f.files.append(dict(file="nullable.parquet", names=["a"], values=[[None]] + [[1.0]] * (f.rows - 1)))
    for name, columns, code, how in [
        ("floatid", {"person_id": [float(i) for i in f.ids], "a": 1}, 102, {}), ("date", {"person_id": f.ids, "a": pd.Timestamp("2020-01-01")}, 107, {}), ("text", {"person_id": f.ids, "a": "high"}, 107, {}),
        ("noid", {"x": 1.0, "a": [1] * f.rows}, 108, {}), ("list", {"person_id": f.ids, "a": [[1, 2]] * f.rows}, 410, {}), ("lz4", {"person_id": f.ids, "a": 1}, 410, {"compression": "lz4"}),
    ]:
        pd.DataFrame(columns).to_parquet(f.at(name + ".parquet"), **how)
        f.refuse(name + ".parquet", code)


def main():
    f = Folder(sys.argv[1], int(sys.argv[2]))
    for name, lines in [("ids.txt", f.ids), ("names.txt", f.names)]:
        with open(f.at(name), "w") as out:
            out.write("\n".join(lines) + "\n")
    for kind in KINDS:
        arrays(f, kind)
        hdf5(f, kind)
        if kind != "f2":
            parquet(f, kind)
    hdf5_places(f)
    parquet_refused(f)
    with open(f.at("index.json"), "w") as out:
        json.dump(dict(ids=f.ids, names=f.names, files=f.files), out)


main()
