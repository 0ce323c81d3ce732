"""Makes the folder `colours`: pictures in which numbers mean colours in many ways, and what each is in sRGB.

Run once with Pillow (13.0.0 was used) and NumPy; what it writes is kept. `colours.json` has for each file the sRGB bytes that a
reader should come to (within its tolerance), by closed forms or by Pillow's own colour engine, or the reason why it is refused.
"""

import io, json, os, struct, zlib
import numpy as np
from PIL import Image, ImageCms

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "colours")
os.makedirs(folder, exist_ok=True)
path = lambda name: os.path.join(folder, name)
expected = {}

# 12 by 8: a column of greys, then of hues, dark and light, and values at both ends.
rng = np.random.default_rng(7)
W, H = 12, 8
scene = rng.integers(0, 256, (H, W, 3)).astype(np.uint8)
scene[:, 0] = np.linspace(0, 255, H).round().astype(np.uint8)[:, None]
scene[0, 1:5] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
alpha = np.tile(np.linspace(0, 255, W).round().astype(np.uint8), (H, 1))
grey = scene[..., 1]


def linear(v):
    v = np.asarray(v, float) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def note(name, pixels, tolerance=1):
    """What the file is: [H, W] or [H, W, C], alpha straight, nothing under what can't be seen."""
    pixels = np.asarray(np.rint(pixels), np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = np.where(pixels[..., 3:] == 0, 0, pixels)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    expected[name] = {"width": pixels.shape[1], "height": pixels.shape[0], "channels": channels,
                      "bytes": pixels.reshape(-1).tolist(), "tolerance": tolerance}


def refused(name, reason):
    expected[name] = {"reason": reason}


def icc(space, primaries=None, gamma=2.2, name=b"fixture", v4=False):
    """The smallest matrix or grey profile: XYZ under D50 by rows."""
    xyz = lambda v: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(x * 65536) for x in v))
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * 80
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", xyz([0.9642, 1, 0.8249]))]
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        tags += [(t, xyz(v)) for t, v in zip([b"rXYZ", b"gXYZ", b"bXYZ"], primaries)]
        tags += [(t, curve) for t in [b"rTRC", b"gTRC", b"bTRC"]]
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">2I", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head + b"\0" * (128 - len(head)) + struct.pack(">I", len(tags)) + table + body


profiles = {}


def rgbprofile(primaries, gamma, name):
    made = icc(b"RGB ", primaries, gamma, name)
    profiles[made] = (primaries, round(gamma * 256) / 256)
    return made


adobe = rgbprofile([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]], 2.19921875,
                   b"Adobe-like")
p3 = rgbprofile([[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]], 2.2, b"P3-like")
greyprofile = icc(b"GRAY", None, 1.0, b"linear grey")


d50 = np.array([[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]])


def through(profile, pixels):
    """By the profile's own matrix and gamma, as ImageCms does within a level (asserted)."""
    exact = encoded((np.asarray(pixels) / 255) ** profiles[profile][1] @ (np.linalg.inv(d50) @ np.array(profiles[profile][0]).T).T)
    theirs = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB")
    assert np.abs(np.array(theirs) - exact.round()).max() <= 2
    return exact


def tiff(name, pages, order="<", big=False):
    """Uncompressed pages: (array, {tag: (type, values)}), with sample format and photometric interpretation by the array."""
    sizes = {1: ("B", 1), 2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 7: ("B", 1), 12: ("d", 8), 16: ("Q", 8)}
    o, entry, count = ("Q", 20, "Q") if big else ("I", 12, "H")
    out = bytearray((b"II" if order == "<" else b"MM"))
    out += struct.pack(order + "H", 43 if big else 42)
    out += struct.pack(order + "HHQ", 8, 0, 0) if big else struct.pack(order + "I", 0)
    link = len(out) - (8 if big else 4)
    for array, more in pages:
        array = np.ascontiguousarray(array)
        bands = 1 if array.ndim == 2 else array.shape[2]
        kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
        data = array.astype(array.dtype.newbyteorder(order)).tobytes()
        start = len(out)
        out += data + b"\0" * (-len(data) % 8)
        tags = {256: (4, [array.shape[1]]), 257: (4, [array.shape[0]]), 258: (3, [8 * array.dtype.itemsize] * bands),
                259: (3, [1]), 262: (3, [1 if bands < 3 else 2]), 273: (4, [start]), 277: (3, [bands]),
                278: (4, [array.shape[0]]), 279: (4, [len(data)]), 284: (3, [1]), 339: (3, [kind] * bands)}
        if bands in (2, 4):
            tags[338] = (3, [2])
        tags.update(more)
        tags = {k: v for k, v in tags.items() if v is not None}
        fields = {}
        for tag, (kind, values) in tags.items():
            code, size = sizes[kind]
            flat = values if isinstance(values, bytes) else struct.pack(order + code * len(values),
                                                                        *[x for v in values for x in (v if kind == 5 else [v])])
            if len(flat) > (8 if big else 4):
                place = len(out)
                out += flat + b"\0" * (-len(flat) % 8)
                flat = struct.pack(order + o, place)
            fields[tag] = struct.pack(order + "HH" + o, tag, kind, len(values)) + flat.ljust(8 if big else 4, b"\0")
        at = len(out)
        out[link:link + (8 if big else 4)] = struct.pack(order + o, at)
        out += struct.pack(order + count, len(fields)) + b"".join(fields[t] for t in sorted(fields))
        link = len(out)
        out += struct.pack(order + o, 0)
    open(path(name), "wb").write(bytes(out))


def png(name, array, chunks=(), depth=8):
    chunk = lambda t, d: struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    bands = 1 if array.ndim == 2 else array.shape[2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[bands]
    big = array.astype(">u2" if depth == 16 else "u1")
    rows = b"".join(b"\0" + big[y].tobytes() for y in range(array.shape[0]))
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", array.shape[1], array.shape[0], depth, kind, 0, 0, 0))
    body += b"".join(chunk(t, d) for t, d in chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    open(path(name), "wb").write(b"\x89PNG\r\n\x1a\n" + body)


rgba = np.dstack([scene, alpha])

light = linear(scene)

# 16 bits of alpha beside a profile: alpha stays, colours go through it.
for name, profile, extra in [("alpha16-adobe.tif", adobe, {}), ("alpha16-p3-big.tif", p3, {})]:
    tiff(name, [(rgba.astype(np.uint16) * 257, {34675: (7, profile), **extra})], ">" if "big" in name else "<", "big" in name)
    note(name, np.dstack([through(profile, scene), alpha]))
png("alpha16-adobe.png", rgba.astype(np.uint16) * 257, [(b"iCCP", b"a\0\0" + zlib.compress(adobe))], 16)
note("alpha16-adobe.png", np.dstack([through(adobe, scene), alpha]))
png("alpha8-p3.png", rgba, [(b"iCCP", b"a\0\0" + zlib.compress(p3))])
note("alpha8-p3.png", np.dstack([through(p3, scene), alpha]))
tiff("alpha16.tif", [(rgba.astype(np.uint16) * 257, {})])
note("alpha16.tif", rgba, 0)
tiff("greyalpha16.tif", [(np.dstack([grey, alpha]).astype(np.uint16) * 257, {})])
note("greyalpha16.tif", np.dstack([grey, grey, grey, alpha]), 0)
# Colours multiplied by alpha, as the tags say.
flat = np.rint(rgba[..., :3].astype(float) * 257 * alpha[..., None] / 255)
tiff("premultiplied16.tif", [(np.dstack([flat, alpha * 257.0]).astype(np.uint16), {338: (3, [1])})])
note("premultiplied16.tif", rgba, 1)
floats = np.dstack([light * alpha[..., None] / 255, alpha / 255])
tiff("premultiplied-float.tif", [(floats.astype(np.float32), {338: (3, [1])})])
note("premultiplied-float.tif", rgba, 1)
tiff("premultiplied8.tif", [(np.rint(np.dstack([flat, alpha * 257.0]) / 257).astype(np.uint8), {338: (3, [1])})])
# Of what is faint, few levels are left.
note("premultiplied8.tif", rgba, 16)
# Photoshop's other channels aren't transparency.
tiff("spare.tif", [(rgba, {338: (3, [0])})])
note("spare.tif", scene, 0)
# 16 bits that aren't multiples of 257.
ramp = rng.integers(0, 65536, (H, W, 3)).astype(np.uint16)
tiff("words.tif", [(ramp, {})])
note("words.tif", ramp / 257, 0)
png("words.png", ramp, depth=16)
note("words.png", ramp / 257, 0)

# Numbers whose range nobody says.
tiff("float-linear.tif", [(light.astype(np.float32), {})])
note("float-linear.tif", scene)
tiff("float-linear-big-endian.tif", [(light.astype(np.float32), {})], ">")
note("float-linear-big-endian.tif", scene)
tiff("float-alpha.tif", [(np.dstack([light, alpha / 255]).astype(np.float32), {})])
note("float-alpha.tif", rgba)
tiff("float-255.tif", [(scene.astype(np.float32), {})])
note("float-255.tif", scene, 0)
tiff("float-65535.tif", [(scene.astype(np.float32) * 257, {})])
note("float-65535.tif", scene, 0)
tiff("float-255-alpha.tif", [(np.dstack([scene, alpha / 255]).astype(np.float32), {})])
note("float-255-alpha.tif", rgba)
tiff("float-grey.tif", [((grey / 255).astype(np.float32), {})])
note("float-grey.tif", grey)
tiff("float-grey-65535.tif", [(grey.astype(np.float32) * 257, {})])
note("float-grey-65535.tif", grey, 0)
tiff("float-adobe.tif", [((scene / 255).astype(np.float32), {34675: (7, adobe)})])
note("float-adobe.tif", through(adobe, scene))
tiff("uint32.tif", [(grey.astype(np.uint32) * 16843009, {})])
note("uint32.tif", grey, 1)
tiff("uint32-rgb-65535.tif", [(scene.astype(np.uint32) * 257, {})])
note("uint32-rgb-65535.tif", scene, 0)
tiff("int16.tif", [(scene.astype(np.int16), {})])
note("int16.tif", scene, 0)
tiff("float-hdr.tif", [((light * 3).astype(np.float32), {})])
refused("float-hdr.tif", "has numbers from 0 to 3, of which black and white can't be told")
tiff("float-negative.tif", [(scene.astype(np.float32) - 100, {})])
refused("float-negative.tif", "has numbers from -100 to 155, of which black and white can't be told")
tiff("int16-negative.tif", [(scene.astype(np.int16) * 100 - 9000, {})])
refused("int16-negative.tif", "has numbers from -9000 to 16500, of which black and white can't be told")
tiff("double.tif", [(light, {})])
refused("double.tif", "has floating-point numbers of 64 bits, which aren't read here")
tiff("half.tif", [(light.astype(np.float16), {})])
refused("half.tif", "has floating-point numbers of 16 bits, which aren't read here")
broken = light.astype(np.float32).copy()
broken[3, 3, 1] = np.nan
tiff("nan.tif", [(broken, {})])
refused("nan.tif", "has pixels that aren't numbers (NaN)")

# Profiles for other colours than the picture has.
tiff("rgb-greyprofile.tif", [(scene, {34675: (7, greyprofile)})])
note("rgb-greyprofile.tif", scene, 0)
tiff("grey-rgbprofile.tif", [(grey, {34675: (7, adobe)})])
note("grey-rgbprofile.tif", grey, 0)
png("rgb-greyprofile.png", scene, [(b"iCCP", b"a\0\0" + zlib.compress(greyprofile))])
note("rgb-greyprofile.png", scene, 0)
tiff("grey-linear.tif", [(grey, {34675: (7, greyprofile)})])
note("grey-linear.tif", encoded(grey / 255))
Image.fromarray(scene).save(path("rgb-greyprofile.webp"), lossless=True, icc_profile=greyprofile)
note("rgb-greyprofile.webp", scene, 0)
Image.fromarray(scene).save(path("p3.webp"), lossless=True, icc_profile=p3)
note("p3.webp", through(p3, scene))

# Lab and YCbCr.
lab = Image.fromarray(scene)
lab = ImageCms.profileToProfile(lab, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
lab.save(path("lab.tif"))


def fromlab(pixels):
    """CIE 1976, under D50."""
    L = np.asarray(pixels)[..., 0].astype(float)
    a, b = (np.asarray(pixels)[..., i].astype(np.int8).astype(float) for i in (1, 2))
    fy = (L * 100 / 255 + 16) / 116
    f = np.stack([fy + a / 500, fy, fy - b / 200], -1)
    xyz = np.where(f > 6 / 29, f ** 3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9642, 1, 0.8249]
    return encoded(xyz @ np.linalg.inv(d50).T)


# libvips keeps eight bits of lightness in ten, of which 255 is 1020: up to six levels where that is steep.
note("lab.tif", fromlab(lab), 6)
lab.save(path("lab-profile.tif"), icc_profile=adobe)
note("lab-profile.tif", fromlab(lab), 6)
ycc = Image.fromarray(scene).convert("YCbCr")
back = np.array(ycc.convert("RGB"))
wholes = {530: (3, [1, 1]), 532: (5, [(0, 1), (255, 1), (128, 1), (255, 1), (128, 1), (255, 1)]), 262: (3, [6])}
tiff("ycbcr.tif", [(np.array(ycc), wholes)])
note("ycbcr.tif", back, 1)
tiff("ycbcr-narrow.tif", [(np.array(ycc), {**wholes, 532: (5, [(16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)])})])
refused("ycbcr-narrow.tif", "has YCbCr colours of an unusual kind, which aren't read here")
tiff("white-is-zero.tif", [(255 - grey, {262: (3, [0])})])
note("white-is-zero.tif", grey, 0)

# PNG's own numbers: gAMA and cHRM (times 100,000), cICP.
gamma = lambda g: (b"gAMA", struct.pack(">I", round(g * 100000)))
chrm = lambda *v: (b"cHRM", struct.pack(">8I", *(round(x * 100000) for x in v)))
own = chrm(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
wide = (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def matrix(white_x, white_y, *xy):
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in zip(xy[::2], xy[1::2])]).T
    white = np.array([white_x / white_y, 1, (1 - white_x - white_y) / white_y])
    return columns * np.linalg.solve(columns, white)


to_srgb = np.linalg.solve(matrix(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06), matrix(*wide))
png("gamma1.png", scene, [gamma(1), own])
note("gamma1.png", encoded(scene / 255), 1)
png("gamma1-16.png", (light * 65535).round().astype(np.uint16), [gamma(1)], 16)
note("gamma1-16.png", scene, 1)
png("gamma18.png", rgba, [gamma(1 / 1.8)])
note("gamma18.png", np.dstack([encoded((scene / 255) ** 1.8), alpha]), 1)
png("gamma-grey.png", grey, [gamma(1)])
note("gamma-grey.png", encoded(grey / 255))
png("gamma-usual.png", scene, [gamma(0.45455), own])
note("gamma-usual.png", scene, 0)
png("gamma-film.png", scene, [gamma(0.50994), own])
note("gamma-film.png", scene, 0)
png("chrm-p3.png", scene, [gamma(0.45455), chrm(*wide)])
note("chrm-p3.png", encoded(light @ to_srgb.T), 2)
png("srgb-before-gamma.png", scene, [(b"sRGB", b"\0"), gamma(1)])
note("srgb-before-gamma.png", scene, 0)
png("cicp-p3.png", scene, [(b"cICP", bytes([12, 13, 0, 1]))])
note("cicp-p3.png", encoded(light @ to_srgb.T), 2)
png("cicp-pq.png", scene, [(b"cICP", bytes([9, 16, 0, 1]))])
refused("cicp-pq.png", "is in high dynamic range (PQ), which isn't read here")

# Cameras that are set to Adobe RGB often say it in Exif data alone. Pillow reads the pixels, the closed form does the colours.
def exif(order, space, index):
    number = lambda tag, value, type=4: struct.pack(order + "HHI", tag, type, 1) + struct.pack(
        order + "HH" if type == 3 else order + "I", *([value, 0] if type == 3 else [value]))
    text = struct.pack(order + "HHI", 1, 2, 4) + index + b"\0"
    directory = lambda *entries: struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return b"Exif\0\0" + head + directory(number(34665, 26)) + directory(
        number(40961, space, 3), number(40965, 56)) + directory(text)


for name, order, space, index in [("exif-adobe.jpg", "<", 65535, b"R03"), ("exif-adobe-big.jpg", ">", 65535, b"R03"),
                                  ("exif-adobe-2.jpg", ">", 2, b"R98"), ("exif-srgb.jpg", "<", 1, b"R98"),
                                  ("exif-other.jpg", "<", 65535, b"R98"), ("exif-adobe-icc.jpg", "<", 65535, b"R03")]:
    Image.fromarray(scene).save(path(name), quality=95, subsampling=0, exif=exif(order, space, index),
                                icc_profile=p3 if "icc" in name else None)
    pixels = np.asarray(Image.open(path(name)))
    note(name, through(p3, pixels) if "icc" in name else through(adobe, pixels) if "adobe" in name else pixels, 2)

# The largest of several pages, and cameras' raw pictures.
small = scene[:2, :3]
tiff("thumbnail-first.tif", [(small, {254: (4, [1])}), (scene, {})])
note("thumbnail-first.tif", scene, 0)
tiff("thumbnail-unnamed.tif", [(small, {}), (scene, {}), (small, {})], ">")
note("thumbnail-unnamed.tif", scene, 0)
tiff("pages.tif", [(scene, {}), (255 - scene, {})])
note("pages.tif", scene, 0)
tiff("raw.dng", [(small, {254: (4, [1]), 50706: (1, [1, 4, 0, 0])}), (grey.astype(np.uint16), {262: (3, [32803])})])
refused("raw.dng", "is a camera's raw picture, which isn't read here")
tiff("raw.nef", [(small, {254: (4, [1])}), (grey.astype(np.uint16), {262: (3, [32803])})])
refused("raw.nef", "is a camera's raw picture, which isn't read here")
open(path("raw.cr2"), "wb").write(b"II*\0\x10\0\0\0CR\x02\0" + bytes(60))
refused("raw.cr2", "is a camera's raw picture, which isn't read here")

json.dump(expected, open(path("colours.json"), "w"), separators=(",", ":"))
print(len(expected), "files,", sum(os.path.getsize(path(n)) for n in os.listdir(folder)) // 1024, "KB")
