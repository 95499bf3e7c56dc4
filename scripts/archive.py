"""archive.py TIME FOLDER ARCHIVE: packs a folder as .tar.gz or .zip whose bytes depend on its files, their modes and TIME (seconds since 1970) alone."""
import gzip
import pathlib
import sys
import tarfile
import time
import zipfile


def modes(path):
    """What a file of a release may have: 0755 where it runs, 0644 elsewhere."""
    return 0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644


def tar(when, folder, files, out):
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, when) as z, tarfile.open(fileobj=z, mode="w", format=tarfile.PAX_FORMAT) as t:
        for f in files:
            info = tarfile.TarInfo(str(f.relative_to(folder.parent)))
            info.size, info.mode, info.mtime = f.stat().st_size, modes(f), when
            with open(f, "rb") as content:
                t.addfile(info, content)


def pack(when, folder, files, out):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for f in files:
            info = zipfile.ZipInfo(str(f.relative_to(folder.parent)), time.gmtime(when)[:6])
            info.external_attr, info.compress_type = modes(f) << 16, zipfile.ZIP_DEFLATED
            z.writestr(info, f.read_bytes())


def main():
    when, folder, out = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    (pack if out.endswith(".zip") else tar)(when, folder, files, out)


main()
