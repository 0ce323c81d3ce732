"""Makes the pictures of this folder from two emoji and from arithmetic, good ones and damaged ones.

Run once with Pillow (13.0.0 was used); what it writes is kept. `facts.json` holds what Pillow sees in each: its size,
and the mean colour of each quarter on white, in sRGB, to compare with what we see.
"""

import hashlib, io, json, os, shutil, struct, zlib
from PIL import Image, ImageCms, ImageFilter

here = os.path.dirname(os.path.abspath(__file__))
emoji = os.path.join(here, "..", "..", "Examples", "emoji")
path = lambda name: os.path.join(here, name)
facts = {}


def note(name, picture):
    """The four quarters' mean colours, clockwise from the top left, of an upright sRGB picture."""
    base = Image.new("RGBA", picture.size, "white")
    base.alpha_composite(picture.convert("RGBA"))
    w, h = base.size
    boxes = [(0, 0, w // 2, h // 2), (w // 2, 0, w, h // 2), (w // 2, h // 2, w, h), (0, h // 2, w // 2, h)]
    quarters = []
    for box in boxes:
        pixels = base.crop(box).convert("RGB").tobytes()
        n = max(1, len(pixels) // 3)
        quarters.append([sum(pixels[c::3]) / n for c in range(3)])
    facts[name] = {"width": w, "height": h, "quarters": quarters}


# Four quarters and a disc, 96 by 64: every corner another colour, so that turns and mirrors show.
scene = Image.new("RGB", (96, 64))
for box, colour in [((0, 0, 48, 32), (200, 40, 40)), ((48, 0, 96, 32), (40, 160, 60)),
                    ((48, 32, 96, 64), (50, 80, 200)), ((0, 32, 48, 64), (230, 200, 60))]:
    scene.paste(colour, box)
scene = scene.filter(ImageFilter.GaussianBlur(2))

parrot, violin = (Image.open(os.path.join(emoji, n)).convert("RGBA") for n in
                     ("1f99c-parrot.png", "1f3bb-violin.png"))
for name, source in [("parrot.png", "1f99c-parrot.png"), ("violin.png", "1f3bb-violin.png")]:
    shutil.copyfile(os.path.join(emoji, source), path(name))
note("parrot.png", parrot)
note("violin.png", violin)

scene.save(path("scene.jpg"), quality=95, subsampling=0)
note("scene.jpg", Image.open(path("scene.jpg")))
for turn, undo in [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (7, Image.Transpose.TRANSVERSE)]:
    exif = Image.Exif()
    exif[0x0112] = turn
    scene.transpose(undo).save(path(f"turned{turn}.jpg"), quality=95, subsampling=0, exif=exif)
    note(f"turned{turn}.jpg", scene)

# CMYK by the plain inversion, with no profile: what a viewer shows depends on its guess at the press.
Image.merge("CMYK", [c.point(lambda v: 255 - v) for c in scene.split()] + [Image.new("L", scene.size)]).save(
    path("cmyk.jpg"), quality=95)
facts["cmyk.jpg"] = {"width": 96, "height": 64, "quarters": []}

# 16 bits a channel, written by hand since Pillow has no such mode: a ramp of 256 grey levels times 257, and one in RGB.
def png(width, height, depth, kind, rows):
    chunk = lambda t, d: struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

ramp = b"".join(b"\0" + b"".join(struct.pack(">H", 257 * v) for v in range(256)) for _ in range(4))
open(path("grey16.png"), "wb").write(png(256, 4, 16, 0, ramp))
rgb = list(scene.tobytes())
rows = b"".join(b"\0" + b"".join(struct.pack(">H", 257 * v) for v in rgb[y * 288:(y + 1) * 288]) for y in range(64))
open(path("rgb16.png"), "wb").write(png(96, 64, 16, 2, rows))
note("rgb16.png", scene)

grey = Image.merge("LA", [scene.convert("L"), Image.linear_gradient("L").resize(scene.size)])
grey.save(path("greyalpha.png"))
note("greyalpha.png", grey)

# A digit as MNIST has them: grey, 28 by 28. Its bytes must come through unchanged.
Image.radial_gradient("L").resize((28, 28)).save(path("grey.png"))
facts["grey.png"] = {"width": 28, "height": 28, "quarters": [],
                     "sha256": hashlib.sha256(Image.open(path("grey.png")).tobytes()).hexdigest()}

# Adobe RGB by its published primaries and gamma (Adobe RGB (1998), section 4.3.1), as the smallest matrix profile.
def profile():
    xyz = lambda x, y, z: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.19921875 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"Adobe\0" + b"\0" * 79
    tags = [(b"desc", text + b"\0" * (-len(text) % 4)), (b"cprt", b"text\0\0\0\0none\0\0\0\0"),
            (b"wtpt", xyz(0.9642, 1, 0.8249)), (b"rXYZ", xyz(0.60974, 0.31111, 0.01947)),
            (b"gXYZ", xyz(0.20528, 0.62567, 0.06087)), (b"bXYZ", xyz(0.14919, 0.06322, 0.74457)),
            (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags:
        table += tag + struct.pack(">2I", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head + b"\0" * (128 - len(head)) + struct.pack(">I", len(tags)) + table + body

adobe = profile()
scene.save(path("adobe.jpg"), quality=95, subsampling=0, icc_profile=adobe)
seen = Image.open(path("adobe.jpg"))
note("adobe.jpg", ImageCms.profileToProfile(
    seen, ImageCms.ImageCmsProfile(io.BytesIO(adobe)), ImageCms.createProfile("sRGB"),
    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"))
scene.save(path("badprofile.jpg"), quality=95, subsampling=0, icc_profile=b"no profile at all" * 9)
note("badprofile.jpg", scene)

scene.save(path("scene.webp"), lossless=True)
note("scene.webp", scene)
scene.save(path("scene.tif"), compression="tiff_lzw")
note("scene.tif", scene)
frames = [parrot.convert("RGB").resize((68, 64)).quantize(32), violin.convert("RGB").resize((68, 64)).quantize(32)]
frames[0].save(path("moving.gif"), save_all=True, append_images=frames[1:], duration=200)
note("moving.gif", Image.open(path("moving.gif")).convert("RGB"))
Image.new("RGB", (1, 1), (10, 200, 30)).save(path("one.png"))
note("one.png", Image.open(path("one.png")))
scene.save(path("scene.avif"), quality=90)
note("scene.avif", scene)

# The same picture as scene.jpg to the eye: smaller, and harder compressed.
scene.resize((72, 48), Image.Resampling.LANCZOS).save(path("again.jpg"), quality=60)

# Pillow's own resampling: down, with alpha, up, and of a part off the grid. All soft, since Pillow cuts off at 0 and 255
# between rows and columns, which tells at hard edges.
filter = Image.Resampling.LANCZOS
scene.resize((21, 21), filter, box=(16, 0, 80, 64)).save(path("scene21.png"))
veil = scene.copy()
veil.putalpha(Image.linear_gradient("L").resize(scene.size).point(lambda v: 40 + v * 200 // 255))
veil.save(path("veil.png"))
veil.resize((36, 24), filter).save(path("veil24.png"))
scene.crop((30, 20, 50, 40)).save(path("corner.png"))
scene.crop((30, 20, 50, 40)).resize((48, 48), filter).save(path("corner48.png"))
# Larger than what is decoded whole before it is resampled, and each quarter another colour.
large = scene.resize((960, 640), Image.Resampling.BICUBIC)
large.save(path("large.jpg"), quality=80)
note("large.jpg", Image.open(path("large.jpg")))
large.resize((32, 32), filter, box=(160, 0, 800, 640)).save(path("large32.png"))

# Damaged ones.
whole = open(path("scene.jpg"), "rb").read()
open(path("short.jpg"), "wb").write(whole[:len(whole) * 6 // 10])
whole = open(path("parrot.png"), "rb").read()
open(path("short.png"), "wb").write(whole[:len(whole) // 2])
turned = bytearray(whole)
turned[len(whole) // 2] ^= 0x55  # In the picture's data: a wrong checksum.
open(path("flipped.png"), "wb").write(bytes(turned))
whole = open(path("scene.webp"), "rb").read()
open(path("short.webp"), "wb").write(whole[:len(whole) // 2])
whole = open(path("moving.gif"), "rb").read()
open(path("short.gif"), "wb").write(whole[:len(whole) // 3])
whole = open(path("scene.tif"), "rb").read()
open(path("short.tif"), "wb").write(whole[:len(whole) // 2])
open(path("words.png"), "w").write("This is no picture, whatever its name says.\n")
open(path("drawing.png"), "w").write('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\n')
open(path("nothing.png"), "wb").close()
open(path("bomb.png"), "wb").write(png(100_000, 100_000, 8, 2, b"\0" * 1000))

json.dump(facts, open(path("facts.json"), "w"), indent=1)
