"""Goldens of Tests/ModelsTests: VGG's features and the losses of style, with their gradients.

    python Tests/Goldens/style.py        writes Tests/Goldens/style.safetensors beside itself

VGG's weights are drawn from a seed, which gives the same numbers in Atelier. The Wasserstein loss is written with
eigenvalues in float64, so that it shares nothing with Newton and Schulz's iteration.
"""
import pathlib

import torch
from golden import write
from torch.nn import functional as F

DEPTHS = [2, 1, 1]
WIDTHS = [64, 128, 256]


def vgg(x, draw):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = (x - mean) / deviation
    inputs, found = 3, []
    for block, count in enumerate(DEPTHS):
        if block:
            x = F.max_pool2d(x, 2)
        for number in range(count):
            width = WIDTHS[block]
            weight = torch.randn(width, inputs, 3, 3, generator=draw) / (inputs * 4.5) ** 0.5
            bias = torch.randn(width, generator=draw) * 0.1
            padded = F.pad(x, (1, 1, 1, 1), mode="replicate" if inputs == 3 else "constant")
            x = F.relu(F.conv2d(padded, weight, bias))
            found.append(x)
            inputs = width
    return found


def root(x):
    values, vectors = torch.linalg.eigh(x)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def statistics(features):
    x = features.double().flatten(2)[0]
    mean = x.mean(1)
    moment = x @ x.T / x.shape[1]
    return mean, moment, moment - mean[:, None] * mean[None]


def wasserstein(features, target):
    (mean, _, c), (mean2, _, c2) = statistics(features), statistics(target)
    eye = torch.eye(len(mean), dtype=torch.double) * 1e-4
    c, c2 = c + eye, c2 + eye
    s = root(c2)
    return ((mean - mean2).square().sum() + torch.trace(c + c2 - 2 * root(s @ c @ s))) / len(mean)


def gram(features, target):
    return (statistics(features)[1] - statistics(target)[1]).square().mean()


def variation(x):
    return (x[..., 1:] - x[..., :-1]).square().mean() + (x[..., 1:, :] - x[..., :-1, :]).square().mean()


tensors = {}
draw = torch.Generator().manual_seed(1)
picture = torch.rand(1, 3, 24, 20, generator=draw, requires_grad=True)
found = vgg(picture, torch.Generator().manual_seed(2))
tensors["picture"] = picture
for i, features in enumerate(found):
    tensors[f"features/{i}"] = features[:, ::8]
found[-1].square().mean().backward()
tensors["picture/gradient"] = picture.grad

features = torch.rand(1, 6, 7, 9, generator=draw, requires_grad=True)
target = torch.rand(1, 6, 5, 8, generator=draw) * 0.7 + 0.4
tensors |= {"a": features, "b": target}
for name, loss in ("wasserstein", wasserstein), ("gram", gram):
    value = loss(features, target)
    features.grad = None
    value.backward()
    tensors |= {name: value.reshape(1).float(), f"{name}/gradient": features.grad.clone()}
features.grad = None
value = variation(features)
value.backward()
tensors |= {"variation": value.reshape(1), "variation/gradient": features.grad.clone()}

write(pathlib.Path(__file__).with_suffix(".safetensors"), tensors)
