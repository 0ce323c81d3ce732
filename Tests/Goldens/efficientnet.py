"""Writes efficientnet.safetensors: features and logits of EfficientNet-Lite0 in PyTorch, for photographs.safetensors.

python Tests/Goldens/efficientnet.py WEIGHTS.pth
The network is that of Scripts/peers/projected_torch.py, as TensorFlow's source defines it: batch norm with epsilon 1e-3
after each convolution, ReLU6, "same" padding that puts the odd pixel below and to the right.
"""
import pathlib, struct, json, sys
import numpy, torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from golden import write
from projected_torch import EfficientNetLite0

weights = torch.load(sys.argv[1], weights_only=True)

raw = (here / "photographs.safetensors").read_bytes()
size = struct.unpack("<Q", raw[:8])[0]
entry = json.loads(raw[8:8 + size])["pictures"]
pictures = torch.from_numpy(numpy.frombuffer(raw, numpy.uint8, offset=8 + size).copy()).reshape(entry["shape"])

network = EfficientNetLite0().eval()
network.load_state_dict(weights)
x = F.interpolate(pictures.float(), size=224, mode="bilinear", antialias=True, align_corners=False)
with torch.no_grad():
    features = network.features((x - 127) / 128)
    logits = network._fc(features)
print(logits.softmax(1).topk(3))
write(here / "efficientnet.safetensors", {"features": features, "logits": logits}, {"torch": torch.__version__})
