"""Goldens of Tests/ModelsTests: StyleGAN2's layers and networks by the equations of the paper (Karras et al. 2020).

    python Tests/Goldens/stylegan2.py        writes Tests/Goldens/stylegan2.safetensors beside itself

Convolutions are modulated as the paper has them, by weights of each picture's own; filters are written out as zeros
between pixels, padding and a sum. Nothing here is anybody's code.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here)]
from golden import write

torch.set_default_dtype(torch.float64)
noise = torch.Generator().manual_seed(7)
tensors = {}
TAPS = torch.tensor([1.0, 3, 3, 1])
FIR = torch.outer(TAPS, TAPS) / 64


def normal(*shape):
    return torch.randn(shape, generator=noise)


def filtered(x, up=1, down=1, before=0, after=0, gain=1.0):
    """Zeros between pixels, padding, the filter, and every so many pixels of it."""
    n, c, h, w = x.shape
    y = x.new_zeros(n, c, h, up, w, up)
    y[:, :, :, 0, :, 0] = x
    y = F.pad(y.reshape(n, c, h * up, w * up), [before, after, before, after])
    kernel = FIR.flip(0, 1)[None, None].expand(c, 1, 4, 4) * gain
    return F.conv2d(y, kernel, groups=c)[:, :, ::down, ::down]


def modulated(x, weight, s, demodulate=True, double=False):
    """Equations 1 and 3, picture by picture."""
    made = []
    for i in range(len(x)):
        w = weight * s[i][None, :, None, None]
        if demodulate:
            w = w / torch.sqrt((w ** 2).sum([1, 2, 3], keepdim=True) + 1e-8)
        one = x[i:i + 1]
        if double:
            # Zeros between pixels, a true convolution (a flipped kernel), and the filter; the border of 2 is the
            # kernel's and the filter's together, so that the size is exactly doubled.
            n, c, h, v = one.shape
            wide = one.new_zeros(n, c, 2 * h - 1, 2 * v - 1)
            wide[:, :, ::2, ::2] = one
            y = F.conv2d(F.pad(wide, [2, 2, 2, 2]), w.flip(2, 3))
            y = filtered(y, before=1, after=1, gain=4)
        else:
            y = F.conv2d(one, w, padding=weight.shape[2] // 2)
        made.append(y)
    return torch.cat(made)


def rectified(x, gain=1.0):
    return F.leaky_relu(x, 0.2) * math.sqrt(2) * gain


def keep(name, value, inputs):
    tensors[name] = value
    direction = normal(*value.shape)
    tensors[f"{name}/direction"] = direction
    for key, grad in zip(inputs, torch.autograd.grad((value * direction).sum(), list(inputs.values()), retain_graph=True)):
        tensors[f"{name}/{key}"] = grad


# The layer.
x, weight, s = (normal(3, 5, 6, 6).requires_grad_(), normal(4, 5, 3, 3).requires_grad_(), (normal(3, 5) + 1).requires_grad_())
tensors |= {"layer.x": x, "layer.weight": weight, "layer.styles": s}
inputs = {"x": x, "weight": weight, "styles": s}
keep("layer.same", modulated(x, weight, s), inputs)
keep("layer.plain", modulated(x, weight, s, demodulate=False), inputs)
keep("layer.double", modulated(x, weight, s, double=True), inputs)


def deviation(x, group):
    """Groups of pictures a stride apart, each with one number."""
    n, c, h, w = x.shape
    m = n // group
    number = [x[j::m].var(0, unbiased=False).add(1e-8).sqrt().mean() for j in range(m)]
    return torch.cat([x, torch.stack([number[i % m].expand(1, h, w) for i in range(n)])], 1)


y = normal(6, 3, 4, 4).requires_grad_()
tensors["deviation.x"] = y
keep("deviation", deviation(y, 3), {"x": y})

# The networks.
LATENT, MAPPED, DEPTH, WIDTHS, CHANNELS, CLASSES = 6, 8, 2, [8, 6, 4], 3, 2
shapes = {"mapping.embed": (MAPPED, CLASSES), "mapping.fc0": (MAPPED, LATENT + MAPPED), "mapping.fc1": (MAPPED, MAPPED)}
g = {}
for name, shape in shapes.items():
    scale = 1 if "embed" in name else 100
    g |= {f"{name}.weight": normal(*shape) * scale, f"{name}.bias": normal(shape[0])}
g["mapping.w_avg"] = normal(MAPPED)
for i, width in enumerate(WIDTHS):
    b, size = f"synthesis.b{4 << i}", 4 << i
    if i == 0:
        g[f"{b}.const"] = normal(width, 4, 4)
    for conv, inputs_ in ([("conv0", WIDTHS[i - 1])] if i else []) + [("conv1", width)]:
        g |= {f"{b}.{conv}.affine.weight": normal(inputs_, MAPPED), f"{b}.{conv}.affine.bias": normal(inputs_) + 1,
              f"{b}.{conv}.weight": normal(width, inputs_, 3, 3), f"{b}.{conv}.bias": normal(width),
              f"{b}.{conv}.noise_const": normal(size, size), f"{b}.{conv}.noise_strength": normal()}
    g |= {f"{b}.torgb.affine.weight": normal(width, MAPPED), f"{b}.torgb.affine.bias": normal(width) + 1,
          f"{b}.torgb.weight": normal(CHANNELS, width, 1, 1), f"{b}.torgb.bias": normal(CHANNELS)}
top = len(WIDTHS) - 1
d = {}
for i in range(top, 0, -1):
    b = f"b{4 << i}"
    if i == top:
        d |= {f"{b}.fromrgb.weight": normal(WIDTHS[i], CHANNELS, 1, 1), f"{b}.fromrgb.bias": normal(WIDTHS[i])}
    d |= {f"{b}.conv0.weight": normal(WIDTHS[i], WIDTHS[i], 3, 3), f"{b}.conv0.bias": normal(WIDTHS[i]),
          f"{b}.conv1.weight": normal(WIDTHS[i - 1], WIDTHS[i], 3, 3), f"{b}.conv1.bias": normal(WIDTHS[i - 1]),
          f"{b}.skip.weight": normal(WIDTHS[i - 1], WIDTHS[i], 1, 1)}
W = WIDTHS[0]
d |= {"mapping.embed.weight": normal(W, CLASSES), "mapping.embed.bias": normal(W)}
for k in range(2):
    d |= {f"mapping.fc{k}.weight": normal(W, W) * 100, f"mapping.fc{k}.bias": normal(W)}
d |= {"b4.conv.weight": normal(W, W + 1, 3, 3), "b4.conv.bias": normal(W), "b4.fc.weight": normal(W, 16 * W),
      "b4.fc.bias": normal(W), "b4.out.weight": normal(W, W), "b4.out.bias": normal(W)}
# As float32 has them.
for state in (g, d):
    for key in state:
        state[key] = state[key].float().double()
        if not key.endswith(("noise_const", "w_avg")):
            state[key].requires_grad_()


def dense(state, name, x, rate=1.0, act=False):
    w, b = state[f"{name}.weight"], state[f"{name}.bias"]
    y = x @ (w * rate / math.sqrt(w.shape[1])).T + b * rate
    return rectified(y) if act else y


def unit(x):
    return x / torch.sqrt((x ** 2).mean(1, keepdim=True) + 1e-8)


def mapped(state, prefix, z, kinds, depth):
    x = unit(dense(state, f"{prefix}embed", kinds))
    x = x if z is None else torch.cat([unit(z), x], 1)
    for k in range(depth):
        x = dense(state, f"{prefix}fc{k}", x, 0.01, True)
    return x


def synthesised(ws):
    x, picture, layer = None, None, 0
    for i in range(len(WIDTHS)):
        b = f"synthesis.b{4 << i}"
        if i == 0:
            x = g[f"{b}.const"][None].expand(len(ws), -1, -1, -1)
        for conv in (["conv0"] if i else []) + ["conv1"]:
            p = f"{b}.{conv}"
            x = modulated(x, g[f"{p}.weight"], dense(g, f"{p}.affine", ws[:, layer]), double=conv == "conv0")
            x = rectified(x + g[f"{p}.noise_const"] * g[f"{p}.noise_strength"] + g[f"{p}.bias"][:, None, None])
            layer += 1
        p = f"{b}.torgb"
        styles = dense(g, f"{p}.affine", ws[:, layer]) / math.sqrt(WIDTHS[i])
        detail = modulated(x, g[f"{p}.weight"], styles, demodulate=False) + g[f"{p}.bias"][:, None, None]
        picture = detail if picture is None else filtered(picture, up=2, before=2, after=1, gain=4) + detail
    return picture


def judged(x, kinds):
    def conv(name, x, **more):
        w = d[f"{name}.weight"]
        w = w / math.sqrt(w[0].numel())
        return F.conv2d(x, w, d.get(f"{name}.bias"), **more)

    for i in range(top, 0, -1):
        b = f"b{4 << i}"
        if i == top:
            x = rectified(conv(f"{b}.fromrgb", x))
        y = conv(f"{b}.skip", filtered(x, down=2, before=1, after=1)) * math.sqrt(0.5)
        x = rectified(conv(f"{b}.conv0", x, padding=1))
        x = y + rectified(conv(f"{b}.conv1", filtered(x, before=2, after=2), stride=2), math.sqrt(0.5))
    x = rectified(conv("b4.conv", deviation(x, 4 if len(x) % 4 == 0 else 3), padding=1))
    x = dense(d, "b4.out", dense(d, "b4.fc", x.flatten(1), act=True))
    return (x * mapped(d, "mapping.", None, kinds, 2)).sum(1) / math.sqrt(W)


z, kinds = normal(3, LATENT).float().double(), torch.eye(2)[[0, 1, 1]]
real = (torch.rand(3, CHANNELS, 16, 16, generator=noise) * 2 - 1).half().double()
w = mapped(g, "mapping.", z, kinds, DEPTH)
ws = w[:, None].expand(-1, 2 * len(WIDTHS), -1)
fake = synthesised(ws)
verdicts = judged(real, kinds)
tensors |= {"z": z, "kinds": kinds, "real": real, "w": w, "pictures": fake, "verdicts": verdicts}


def gradients(name, value, state):
    tensors[name] = value.reshape(1)
    known = [k for k in state if state[k].requires_grad]
    for key, grad in zip(known, torch.autograd.grad(value, [state[k] for k in known], retain_graph=True, allow_unused=True)):
        if grad is not None:
            tensors[f"{name}/{key}"] = grad


gradients("loss.discriminator", F.softplus(-verdicts).mean() + F.softplus(judged(fake.detach(), kinds)).mean(), d)
gradients("loss.generator", F.softplus(-judged(fake, kinds)).mean(), g)
leaf = real.clone().requires_grad_()
slope = torch.autograd.grad(judged(leaf, kinds).sum(), leaf, create_graph=True)[0]
gradients("r1", (slope ** 2).sum([1, 2, 3]).mean(), d)
# Equation 4, with the mean of lengths at a.
direction = normal(*fake.shape).float().double()
free = w[:, None].repeat(1, 2 * len(WIDTHS), 1)
jacobian = torch.autograd.grad((synthesised(free) * direction).sum() / 16, free, create_graph=True)[0]
lengths = torch.sqrt((jacobian ** 2).sum(2).mean(1))
tensors |= {"path.direction": direction, "path.lengths": lengths}
gradients("path", ((lengths - 0.5) ** 2).mean(), g)

tensors |= {f"generator/{k}": v.float() for k, v in g.items()} | {f"discriminator/{k}": v.float() for k, v in d.items()}
names = {"generator": sorted(g), "discriminator": sorted(d)}
write(here / "stylegan2.safetensors", tensors, {"names": json.dumps(names), "torch": torch.__version__})
