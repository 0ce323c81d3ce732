"""Writes photographs.safetensors: three photographs of OpenCV's samples at 128 px, uint8 [3, 3, 128, 128].

python Tests/Goldens/photographs.py FOLDER      FOLDER: examples/data of Debian's package opencv-doc
apple.jpg, squirrel_cls.jpg and butterfly.jpg, from OpenCV (Apache-2.0 and BSD-3-Clause; see NOTICE).
"""
import pathlib, sys
import numpy, torch
from PIL import Image
from golden import write

names = ["apple", "squirrel_cls", "butterfly"]
folder = pathlib.Path(sys.argv[1])
def square(name):
    picture = Image.open(folder / f"{name}.jpg").convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side)).resize((128, 128), Image.LANCZOS)
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1)
write(pathlib.Path(__file__).with_suffix(".safetensors"), {"pictures": torch.stack([square(n) for n in names])},
      {"names": " ".join(names), "licence": "OpenCV's samples: Apache-2.0 AND BSD-3-Clause"})
