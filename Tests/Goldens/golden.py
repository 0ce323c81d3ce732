"""Writes safetensors without the package of that name, which the tests' environment doesn't have."""
import json, struct
import torch

DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
          torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def write(path, tensors, metadata=None):
    header, data = {"__metadata__": metadata or {}}, b""
    for name, tensor in tensors.items():
        raw = bytes(tensor.detach().contiguous().clone().untyped_storage())
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
