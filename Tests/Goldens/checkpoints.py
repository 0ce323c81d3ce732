"""Writes checkpoints/: small files of torch.save in both formats, the tensors they hold, and hostile archives.

python Tests/Goldens/checkpoints.py
"""
import collections, os, pathlib, pickle, zipfile
import torch
from golden import write

folder = pathlib.Path(__file__).parent / "checkpoints"
folder.mkdir(exist_ok=True)
torch.manual_seed(0)

net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
contents = {
    "model": net.state_dict(),
    "views": [base, base.T, base[1:3, ::2], base[2]],  # One storage, four views.
    "types": {
        "half": torch.randn(3).half(), "bfloat16": torch.randn(3).bfloat16(), "double": torch.randn(3).double(),
        "uint8": torch.arange(5, dtype=torch.uint8), "int8": torch.arange(-2, 3, dtype=torch.int8),
        "int16": torch.arange(3, dtype=torch.int16), "int32": torch.arange(3, dtype=torch.int32),
        "bool": torch.tensor([True, False, True]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
    },
    "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    "step": 12345678901, "rate": 2e-4, "name": "tiny", "flag": True, "nothing": None, "tags": ("a", 1),
}
torch.save(contents, folder / "zip.pth")
torch.save(contents, folder / "legacy.pth", _use_new_zipfile_serialization=False)

flat = {}
def walk(name, value):
    if isinstance(value, torch.Tensor):
        flat[name] = value.detach().clone().contiguous()
    elif isinstance(value, dict):
        for k, v in value.items(): walk(f"{name}.{k}" if name else str(k), v)
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value): walk(f"{name}.{i}", v)
walk("", contents)
write(folder / "expected.safetensors", flat)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/atelier-was-attacked",)


torch.save({"weight": torch.zeros(2), "evil": Evil()}, folder / "evil.pth")

# A zip with hostile names, and one with a damaged entry.
with zipfile.ZipFile(folder / "escape.zip", "w") as z:
    z.writestr("pictures/a.txt", "fine")
    z.writestr("../outside.txt", "not fine")
with zipfile.ZipFile(folder / "good.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("pictures/", "")
    z.writestr("pictures/a.txt", "first")
    z.writestr("pictures\\b.txt", "second")
    z.writestr("zeros.bin", bytes(1 << 20))
data = bytearray((folder / "good.zip").read_bytes())
data[data.index(b"a.txt") + 8] ^= 0xFF
(folder / "damaged.zip").write_bytes(data)
