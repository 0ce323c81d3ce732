"""Goldens of Tests/NetworksTests: PyTorch's outputs, gradients, double backward and optimizer steps.

    python Tests/Goldens/networks.py        writes Tests/Goldens/networks.safetensors beside itself
"""
import json
import pathlib
import struct

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = bytes(tensor.detach().contiguous().clone().untyped_storage())
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


tensors, metadata = {}, {"torch": torch.__version__}


def case(name, module, *shape, double=False, x=None):
    """Records a module's state, an input, the output, and gradients of (output * seed).sum()."""
    torch.manual_seed(sum(map(ord, name)))
    for p in module.parameters():
        p.data = torch.randn_like(p) * 0.4
    x = torch.randn(*shape) if x is None else x
    state = {k: v.clone() for k, v in module.state_dict().items()}
    if x.is_floating_point():
        x.requires_grad_()
    y = module(x)
    seed = torch.randn_like(y)
    inputs = [("", x)] if x.is_floating_point() else []
    inputs += [("." + k, p) for k, p in module.named_parameters()]
    grads = torch.autograd.grad((y * seed).sum(), [t for _, t in inputs], create_graph=double)
    for k, v in state.items():
        tensors[f"{name}/state/{k}"] = v
    tensors.update({f"{name}/x": x, f"{name}/y": y, f"{name}/seed": seed})
    tensors.update({f"{name}/gradient{k}": g for (k, _), g in zip(inputs, grads)})
    if double:
        # As in R1: the gradient of the input gradient's square.
        again = torch.autograd.grad((grads[0] ** 2).sum(), [t for _, t in inputs], allow_unused=True)
        tensors.update({f"{name}/double{k}": g for (k, _), g in zip(inputs, again) if g is not None})
    after = module.state_dict()
    for k, v in state.items():
        if not torch.equal(v, after[k]):
            tensors[f"{name}/after/{k}"] = after[k]


class Call(nn.Module):
    """A function as a module without state."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def layers():
    case("linear", nn.Linear(5, 4), 3, 5, double=True)
    case("linear without bias", nn.Linear(5, 4, bias=False), 2, 3, 5)
    case("conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=1), 2, 4, 9, double=True)
    case("conv2d", nn.Conv2d(3, 4, 3, padding=1), 2, 3, 5, 6, double=True)
    case("conv2d grouped", nn.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), 2, 4, 7, 8,
         double=True)
    case("conv2d oblong", nn.Conv2d(2, 3, (3, 1), stride=(1, 2), padding=(1, 0)), 1, 2, 5, 6)
    for mode in ["reflect", "replicate", "circular"]:
        case(f"conv2d {mode}", nn.Conv2d(2, 3, 3, padding=(2, 1), padding_mode=mode), 1, 2, 5, 4, double=True)
    case("conv3d", nn.Conv3d(2, 3, 3, stride=2, padding=1), 1, 2, 4, 5, 4, double=True)
    case("conv transpose 1d", nn.ConvTranspose1d(4, 2, 4, stride=2, padding=1), 2, 4, 5, double=True)
    case("conv transpose 2d", nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1, bias=False), 2, 4, 4, 3, double=True)
    case("conv transpose 2d grouped",
         nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2), 2, 4, 4, 3,
         double=True)
    case("conv transpose 3d", nn.ConvTranspose3d(2, 2, 3, stride=2), 1, 2, 2, 3, 2, double=True)
    case("batch norm", nn.BatchNorm2d(3), 4, 3, 3, 2, double=True)
    case("batch norm 1d", nn.BatchNorm1d(5, affine=False), 6, 5)
    evaluated = nn.BatchNorm2d(3)
    evaluated.running_mean.copy_(torch.tensor([0.1, -0.4, 2.0]))
    evaluated.running_var.copy_(torch.tensor([0.5, 1.5, 3.0]))
    case("batch norm evaluated", evaluated.eval(), 2, 3, 3, 2, double=True)
    case("instance norm", nn.InstanceNorm2d(3, affine=True), 2, 3, 4, 3, double=True)
    case("instance norm plain", nn.InstanceNorm2d(3), 2, 3, 4, 3)
    case("group norm", nn.GroupNorm(2, 6), 2, 6, 3, 2, double=True)
    case("layer norm", nn.LayerNorm((4, 3)), 2, 3, 4, 3, double=True)
    case("pixel norm", Call(lambda x: x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)), 2, 5, 2, 3,
         double=True)
    case("spectral norm", nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), 1, 3, 5, 4, double=True)
    case("spectral norm transposed", nn.utils.spectral_norm(nn.ConvTranspose2d(3, 4, 3), n_power_iterations=2), 1, 3, 3, 2)
    case("weight norm", nn.utils.weight_norm(nn.Conv1d(3, 4, 3)), 2, 3, 6, double=True)
    case("leaky relu", nn.LeakyReLU(0.2), 4, 6, double=True)
    for name, f in {"relu": nn.ReLU(), "relu6": nn.ReLU6(), "elu": nn.ELU(), "gelu": nn.GELU(), "silu": nn.SiLU(),
                    "mish": nn.Mish(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "softplus": nn.Softplus(),
                    "softmax": nn.Softmax(-1), "prelu": nn.PReLU(3)}.items():
        case(name, f, 4, 3)
    case("embedding", nn.Embedding(7, 4), x=torch.tensor([[0, 3], [6, 3]]))
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    case("attention", Wrapped(attention), 2, 5, 8)
    case("attention causal", Wrapped(attention, causal=True), 2, 5, 8)
    # The fused kernel has no second derivative; the plain one has.
    with sdpa_kernel(SDPBackend.MATH):
        case("attention twice", Wrapped(nn.MultiheadAttention(8, 2, batch_first=True)), 2, 5, 8, double=True)
    case("pixel shuffle", nn.PixelShuffle(2), 1, 8, 2, 3)
    case("pixel unshuffle", nn.PixelUnshuffle(2), 1, 2, 4, 6)
    case("upsample nearest", nn.Upsample(scale_factor=2), 1, 2, 3, 2)
    case("upsample bilinear", nn.Upsample(scale_factor=3, mode="bilinear"), 1, 2, 3, 2)
    case("average pool", nn.AvgPool2d(2), 1, 2, 4, 6)
    case("max pool", nn.MaxPool2d(3, stride=2), 1, 2, 5, 7)
    case("adaptive pool", nn.AdaptiveAvgPool2d((2, 3)), 1, 2, 5, 7)
    case("reflection pad", nn.ReflectionPad2d(2), 1, 2, 4, 3)
    for name, taps in {"box": [1, 1], "triangle": [1, 2, 1], "smooth": [1, 3, 3, 1]}.items():
        case(f"downsample {name}", Call(lambda x, t=taps: downsampled(x, t)), 2, 3, 6, 4, double=True)
        case(f"upsample {name}", Call(lambda x, t=taps: upsampled(x, t)), 2, 3, 3, 4, double=True)
    case("haar", Call(haar), 1, 3, 4, 6)


def cross_attention():
    """Different queries, keys and values, each query seeing some of the keys."""
    torch.manual_seed(8)
    module = nn.MultiheadAttention(8, 2, batch_first=True)
    nn.init.normal_(module.in_proj_bias)
    q, k, v = torch.randn(2, 3, 8), torch.randn(2, 4, 8), torch.randn(2, 4, 8)
    seen = torch.tensor([[1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0]]).bool()
    y = module(q, k, v, attn_mask=~seen, need_weights=False)[0]
    tensors.update({f"cross/state/{name}": t for name, t in module.state_dict().items()})
    tensors.update({"cross/q": q, "cross/k": k, "cross/v": v, "cross/mask": seen.long(), "cross/y": y})


class Wrapped(nn.Module):
    """Self-attention without the weights that it also returns; `attention.` in front of its names is left out."""

    def __init__(self, attention, causal=False):
        super().__init__()
        self._modules.update(attention._modules)
        self._parameters.update(attention._parameters)
        object.__setattr__(self, "attention", attention)
        self.causal = causal

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if self.causal else None
        return self.attention(x, x, x, need_weights=False, attn_mask=mask, is_causal=self.causal)[0]


def plane(taps, gain):
    taps = torch.tensor(taps, dtype=torch.float32)
    return torch.outer(taps, taps) * gain / taps.sum() ** 2


def downsampled(x, taps):
    """Padded, filtered at full size, then every second pixel kept (Karras et al. 2019, upfirdn)."""
    left, right = (len(taps) - 1) // 2, len(taps) // 2
    planes = F.pad(x, [left, right, left, right]).flatten(0, 1)[:, None]
    return F.conv2d(planes, plane(taps, 1)[None, None]).unflatten(0, x.shape[:2])[:, :, 0, ::2, ::2]


def upsampled(x, taps):
    """Zeros between the pixels, then filtered at full size, the picture's phase as in `downsampled`."""
    n, c, h, w = x.shape
    spread = torch.zeros(n, c, 2 * h, 2 * w)
    spread[:, :, ::2, ::2] = x
    left, right = len(taps) // 2, (len(taps) - 1) // 2
    planes = F.pad(spread, [left, right, left, right]).flatten(0, 1)[:, None]
    return F.conv2d(planes, plane(taps, 4)[None, None]).unflatten(0, (n, c))[:, :, 0]


def haar(x):
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    return torch.cat([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2


def optimizers():
    """Five steps of each rule on a small network, rate halved after the third; the parameters after each."""
    torch.manual_seed(7)
    start = [torch.randn(4, 3, 3, 3), torch.randn(4), torch.randn(2, 4)]
    steps = [[torch.randn_like(p) * 10 ** -i for i, p in enumerate(start)] for _ in range(5)]
    for i, p in enumerate(start):
        tensors[f"optimizer/start/{i}"] = p
        for s in range(5):
            tensors[f"optimizer/gradient/{s}/{i}"] = steps[s][i]
    rules = {
        "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
        "SGD momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "SGD Nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "Adam": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.5, 0.99)),
        "Adam decay": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.0, 0.9), weight_decay=0.1, eps=1e-6),
        "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1),
        "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.01),
        "L-BFGS": lambda p: torch.optim.LBFGS(p, lr=0.3, max_iter=1, history_size=3),
        "RMSprop momentum": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5),
    }
    for name, rule in rules.items():
        parameters = [nn.Parameter(p.clone()) for p in start]
        optimizer = rule(parameters)
        for s in range(5):
            if s == 3:
                optimizer.param_groups[0]["lr"] /= 2
            for p, g in zip(parameters, steps[s]):
                p.grad = g.clone()
            # L-BFGS asks for the loss, and with one iteration does nothing with it.
            optimizer.step(lambda: torch.ones([])) if name == "L-BFGS" else optimizer.step()
            if s in (0, 4):
                tensors.update({f"optimizer/{name}/{s}/{i}": p.detach().clone() for i, p in enumerate(parameters)})


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.to_rgb = nn.utils.spectral_norm(nn.Conv2d(channels, 3, 1))


class Composed(nn.Module):
    """One of everything that names depend on; Tests/NetworksTests composes the same."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, 4)
        self.main = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(), nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)))
        self.blocks = nn.ModuleList([Block(4), Block(4)])
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.skip = None
        self.out = nn.utils.weight_norm(nn.Conv1d(2, 2, 3))


def names():
    module = Composed()
    metadata["state_dict"] = json.dumps([[k, list(v.shape)] for k, v in module.state_dict().items()])
    metadata["parameters"] = json.dumps([k for k, _ in module.named_parameters()])


def initial():
    """The constructors' own draws after seed 5, and the average of one PyTorch module following another."""
    torch.manual_seed(5)
    module = nn.Sequential(nn.Linear(6, 5), nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(2, 4, 3), nn.Embedding(3, 4),
                           nn.BatchNorm2d(3))
    tensors.update({f"initial/{k}": v for k, v in module.state_dict().items()})
    torch.manual_seed(6)
    tensors.update({f"initial attention/{k}": v for k, v in nn.MultiheadAttention(8, 2).state_dict().items()})


layers()
cross_attention()
optimizers()
names()
initial()
path = pathlib.Path(__file__).with_suffix(".safetensors")
write(path, tensors, metadata)
print(path, path.stat().st_size, "bytes,", len(tensors), "tensors")
