"""What check_images.sh runs.
check_images.py make DIR COUNT SEED: writes COUNT random JPEG and PNG files to DIR; needs Pillow and numpy, and uses cjpeg and jpegtran where they are.
check_images.py compare DIR: compares DIR/NAME.rgb, what TestDecodeFolder of data/fundus made of each, with Pillow's exif_transpose and convert("RGB")."""
import io
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

OUT_OF_ONE = 1  # grey levels that a value may differ by


def picture(r, w, h, channels):
    """Returns a picture [h, w, channels] with smooth parts, edges in colour and noise."""
    rng = np.random.default_rng(r.randrange(1 << 32))
    y, x = np.mgrid[0:h, 0:w]
    m = np.empty((h, w, channels))
    for c in range(channels):
        m[..., c] = 128 + 100 * np.sin(x / r.uniform(3, 60) + r.uniform(0, 6)) * np.cos(y / r.uniform(3, 60))
        m[..., c] += r.choice([0, 0, 90]) * np.sign(np.sin(x / r.uniform(2, 30)) + np.cos(y / r.uniform(2, 30)))
    m += rng.normal(0, r.choice([0, 2, 20, 80]), m.shape)
    return np.clip(m, 0, 255).astype(np.uint8)


def exif(r, value=None):
    """Returns a TIFF header with an orientation: SHORT or LONG, of either order, at times one that does not exist."""
    order, mark = r.choice([("<", b"II"), (">", b"MM")])
    kind = r.choice([3, 3, 4, 1, 8, 9])
    value = r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 200]) if value is None else value
    form = {1: "B3x", 3: "Hxx", 8: "hxx", 4: "I", 9: "i"}[kind]
    other = struct.pack(order + "HHIHxx", 0x0100, 3, 1, 77)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + other + struct.pack(order + "HHI" + form, 0x0112, kind, 1, value) + bytes(4)


def xmp(r):
    """Returns XMP with an orientation, as an attribute or an element."""
    v = r.randrange(1, 9)
    body = r.choice(['<rdf:Description tiff:Orientation="%d"/>', "<rdf:Description><tiff:Orientation>%d</tiff:Orientation></rdf:Description>"]) % v
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>' + body + "</rdf:RDF></x:xmpmeta>").encode()


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def turned_jpeg(r, b):
    """Puts segments with an orientation behind SOI, in any order."""
    parts = []
    if r.random() < 0.5:
        parts.append(segment(0xE1, b"Exif\0\0" + exif(r)))
    if r.random() < 0.3:
        parts.append(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(r)))
    r.shuffle(parts)
    return b[:2] + b"".join(parts) + b[2:]


def edited_jpeg(r, b):
    """Adds what decoders pass over: fill bytes, spare bytes, a second image."""
    kind = r.randrange(8)
    if kind == 0:
        return b[:-2] + bytes(r.randrange(256) & 0x7F for _ in range(r.randrange(1, 9))) + b[-2:]
    if kind == 1:
        return b[:-2] + b"\xFF" * r.randrange(1, 5) + b[-2:]
    if kind == 2:
        return b + b
    return b


def jpeg(r):
    """Returns a JPEG."""
    w, h = r.randrange(1, 200), r.randrange(1, 200)
    if r.random() < 0.2:
        w, h = r.randrange(1, 20), r.randrange(1, 20)
    mode = r.choice(["RGB"] * 8 + ["L", "CMYK"])
    m = picture(r, w, h, {"RGB": 3, "L": 1, "CMYK": 4}[mode])
    im = Image.fromarray(m[..., 0] if mode == "L" else m, mode) if mode != "RGB" else Image.fromarray(m)
    quality = r.choice([5, 30, 60, 75, 85, 95, 100])
    if shutil.which("cjpeg") and shutil.which("jpegtran") and mode != "CMYK" and r.random() < 0.6:
        return tools(r, im, quality)
    b, more = io.BytesIO(), {}
    if mode == "RGB":
        more["subsampling"] = r.choice([0, 1, 2])
        if r.random() < 0.15:
            more = {"keep_rgb": True}
    if r.random() < 0.3:
        more["restart_marker_blocks" if r.random() < 0.5 else "restart_marker_rows"] = r.randrange(1, 5)
    im.save(b, "JPEG", quality=quality, progressive=r.random() < 0.4, optimize=r.random() < 0.5, **more)
    return b.getvalue()


SAMPLINGS = ["1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x4", "2x2,1x1,1x2", "2x2,2x1,1x1", "2x1,1x1,2x1", "2x1,1x1,1x1", "1x2,1x1,1x2", "3x1", "1x3",
             "1x1,2x1,1x1", "1x1,2x2,2x2", "1x1,1x2,1x1", "2x2,1x2,1x2", "2x2,2x1,2x1", "4x1,2x1,1x1"]
SCANS = ["0;1;2;", "0;1,2;", "0,2;1;", "0,1,2: 0-0, 0, 0; 0: 1-63, 0, 0; 1: 1-63, 0, 0; 2: 1-63, 0, 0;",
         "0: 0-0, 0, 1; 1,2: 0-0, 0, 1; 0: 1-5, 0, 2; 0: 6-63, 0, 2; 1: 1-63, 0, 1; 2: 1-63, 0, 1; 0: 1-63, 2, 1; 0: 1-63, 1, 0; 0,1,2: 0-0, 1, 0; 1: 1-63, 1, 0; 2: 1-63, 1, 0;"]


def tools(r, im, quality):
    """Returns a JPEG of cjpeg, at times with its scans arranged anew by jpegtran."""
    b = io.BytesIO()
    im.save(b, "PPM")
    args = ["cjpeg", "-quality", str(quality), "-sample", r.choice(SAMPLINGS)]
    args += r.choice([[], ["-progressive"], ["-optimize"], ["-baseline"]]) + r.choice([[], [], ["-restart", str(r.randrange(1, 4))], ["-restart", "%dB" % r.randrange(1, 9)]])
    if im.mode == "RGB" and r.random() < 0.1:
        args.append("-rgb")
    out = subprocess.run(args, input=b.getvalue(), capture_output=True, check=True).stdout
    if im.mode == "RGB" and r.random() < 0.4:
        with tempfile.NamedTemporaryFile("w", suffix=".scans") as f:
            f.write(r.choice(SCANS))
            f.flush()
            args = ["jpegtran", "-scans", f.name] + r.choice([[], ["-restart", "3B"], ["-restart", "1"]])
            out = subprocess.run(args, input=out, capture_output=True, check=True).stdout
    return out


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def packed(values, depth):
    """Returns rows of samples as bytes: values is [h, w, samples]."""
    rows = values.reshape(values.shape[0], -1)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in rows]
    bits = ((rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(rows.shape[0], -1)
    return [np.packbits(row.astype(np.uint8)).tobytes() for row in bits]


def filtered(r, rows, step):
    """Returns rows with a random filter each."""
    out, above = b"", None
    for row in rows:
        kind, now = r.randrange(5), np.frombuffer(row, np.uint8).astype(int)
        up = np.zeros_like(now) if above is None else above
        left, corner = (np.concatenate([np.zeros(step, int), v])[:len(now)] for v in (now, up))
        p = left + up - corner
        a, b, c = abs(p - left), abs(p - up), abs(p - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
        guess = [0 * now, left, up, (left + up) // 2, paeth][kind]
        out += bytes([kind]) + ((now - guess) & 255).astype(np.uint8).tobytes()
        above = now
    return out


def png(r):
    """Returns a PNG of any kind, and for 16 bits of grey, which Pillow cuts off at 255, its pixels in 8 bits."""
    w, h = r.randrange(1, 120), r.randrange(1, 120)
    kind, depth = r.choice([(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)])
    n = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    m = picture(r, w, h, n).astype(int)
    m = m * 257 if depth == 16 else m >> (8 - depth)
    if depth == 16:
        m = np.clip(m + np.random.default_rng(r.randrange(99)).integers(-99, 99, m.shape), 0, 65535)
    raw = b""
    interlaced = r.random() < 0.4
    for x, y, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = m[y::dy, x::dx]
        if part.size:
            raw += filtered(r, packed(part, depth), max(1, n * depth // 8))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, int(interlaced)))
    before, after = [], []
    if kind == 3:
        before.append(chunk(b"PLTE", bytes(r.randrange(256) for _ in range(3 << depth))))
        if r.random() < 0.5:
            before.append(chunk(b"tRNS", bytes(r.randrange(256) for _ in range(1 << depth))))
    z = zlib.compress(raw + bytes(r.choice([0, 0, 0, 1, 9])), r.choice([0, 1, 6]))
    cuts = sorted(r.randrange(len(z) + 1) for _ in range(r.randrange(3)))
    data = [chunk(b"IDAT", z[a:b]) for a, b in zip([0] + cuts, cuts + [len(z)])]
    for c in turned_png(r):
        (before if r.random() < 0.7 else after).append(c)
    b = b"\x89PNG\r\n\x1a\n" + head + b"".join(before + data + after) + chunk(b"IEND", b"")
    return b, (m[..., 0] // 256 if kind == 0 and depth == 16 else None)


def turned_png(r):
    """Returns chunks with an orientation."""
    out = []
    if r.random() < 0.3:
        out.append(chunk(b"eXIf", r.choice([b"", b"Exif\0\0"]) + exif(r)))
    if r.random() < 0.2:
        raw = b"Exif\0\0" + exif(r)
        text = ("\nexif\n%8d\n" % len(raw) + "\n".join(raw.hex()[i:i + 72] for i in range(0, 2 * len(raw), 72)) + "\n").encode()
        out.append(r.choice([chunk(b"tEXt", b"Raw profile type exif\0" + text), chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))]))
    if r.random() < 0.2:
        x = xmp(r)
        out.append(r.choice([chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + x), chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(x))]))
    return out


def make(folder, count, seed):
    r = random.Random(seed)
    for i in range(count):
        if r.random() < 0.6:
            try:
                b, name = edited_jpeg(r, turned_jpeg(r, jpeg(r))), "%04d.jpg" % i
            except OSError:  # Pillow's buffer is too small for some pictures of noise
                continue
        else:
            (b, grey), name = png(r), "%04d.png" % i
            if grey is not None:
                np.save(os.path.join(folder, name + ".npy"), grey)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b)


def expected(path):
    """Returns Pillow's pixels [h, w, 3]."""
    with Image.open(path) as im:
        if os.path.exists(path + ".npy"):
            im.load()
            grey = Image.fromarray(np.load(path + ".npy").astype(np.uint8))
            grey.info = im.info
            if "exif" in im.info or "Raw profile type exif" in im.info or "XML:com.adobe.xmp" in im.info:
                grey._exif = im.getexif()
            im = grey
        return np.array(ImageOps.exif_transpose(im).convert("RGB")).astype(int)


def compare(folder):
    bad = same = files = 0
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.endswith((".jpg", ".png")):
            continue
        files += 1
        want = expected(path)
        if not os.path.exists(path + ".rgb"):
            print("%s: %s" % (name, open(path + ".error").read().split("\n")[0] if os.path.exists(path + ".error") else "not decoded"))
            bad += 1
            continue
        head, raw = open(path + ".rgb", "rb").read().split(b"\n", 1)
        w, h = map(int, head.split())
        if (h, w) != want.shape[:2]:
            print("%s: %d x %d, Pillow has %d x %d" % (name, w, h, want.shape[1], want.shape[0]))
            bad += 1
            continue
        far = abs(np.frombuffer(raw, np.uint8).reshape(h, w, 3).astype(int) - want)
        same += far.max() == 0
        if far.max() > OUT_OF_ONE:
            print("%s: %d of %d values differ by more than %d, the farthest by %d" % (name, (far > OUT_OF_ONE).sum(), far.size, OUT_OF_ONE, far.max()))
            bad += 1
    print("%d of %d files as Pillow %s decodes them, %d of them in every value" % (files - bad, files, Image.__version__, same))
    return bad > 0 or files == 0


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    sys.exit(compare(sys.argv[2]))
