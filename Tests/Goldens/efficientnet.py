"""Writes efficientnet.safetensors: features and logits of EfficientNet-Lite0 in PyTorch, for photographs.safetensors.

python Tests/Goldens/efficientnet.py WEIGHTS.pth
The network is written here as TensorFlow's source defines it: batch norm with epsilon 1e-3 after each convolution, ReLU6,
"same" padding that puts the odd pixel below and to the right.
"""
import pathlib, struct, json, sys
import numpy, torch
import torch.nn.functional as F
from golden import write

here = pathlib.Path(__file__).parent
weights = torch.load(sys.argv[1], weights_only=True)
STRIDES = {1: 2, 3: 2, 5: 2, 11: 2}

raw = (here / "photographs.safetensors").read_bytes()
size = struct.unpack("<Q", raw[:8])[0]
entry = json.loads(raw[8:8 + size])["pictures"]
pictures = torch.from_numpy(numpy.frombuffer(raw, numpy.uint8, offset=8 + size).copy()).reshape(entry["shape"])

def convolve(x, conv, norm, stride=1, groups=1, activate=True):
    w = weights[conv + ".weight"]
    k, side = w.shape[2], x.shape[2]
    extra = max((-(-side // stride) - 1) * stride + k - side, 0)
    x = F.pad(x, (extra // 2, extra - extra // 2) * 2)
    x = F.conv2d(x, w, stride=stride, groups=groups)
    n = lambda s: weights[f"{norm}.{s}"]
    x = F.batch_norm(x, n("running_mean"), n("running_var"), n("weight"), n("bias"), eps=1e-3)
    return F.relu6(x) if activate else x

x = F.interpolate(pictures.float(), size=224, mode="bilinear", antialias=True, align_corners=False)
x = convolve((x - 127) / 128, "_conv_stem", "_bn0", 2)
for i in range(16):
    p, before = f"_blocks.{i}.", x
    if i > 0: x = convolve(x, p + "_expand_conv", p + "_bn0")
    x = convolve(x, p + "_depthwise_conv", p + "_bn1", STRIDES.get(i, 1), x.shape[1])
    x = convolve(x, p + "_project_conv", p + "_bn2", activate=False)
    if x.shape == before.shape: x = x + before
features = convolve(x, "_conv_head", "_bn1").mean((2, 3))
logits = F.linear(features, weights["_fc.weight"], weights["_fc.bias"])
print(logits.softmax(1).topk(3))
write(here / "efficientnet.safetensors", {"features": features, "logits": logits}, {"torch": torch.__version__})
