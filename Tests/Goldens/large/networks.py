"""Goldens of Tests/LargeModelsTests: what diffusers' and transformers' networks answer.

    python Tests/Goldens/large/networks.py        writes networks.safetensors beside itself
"""
import json
import pathlib
import sys

import torch

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import models
from golden import write
from models import drawn

tensors, names = {}, {}


def keep(name, model):
    names[name] = {(models.own(k) if "text" in name else k): list(v.shape) for k, v in model.state_dict().items()
                   if v.dtype.is_floating_point}


def pooled(kind, model, tokens):
    out = model(tokens, output_hidden_states=True)
    tensors[f"{kind}/last"], tensors[f"{kind}/penultimate"] = out.last_hidden_state, out.hidden_states[-2]
    tensors[f"{kind}/pooled"] = out.text_embeds if hasattr(out, "text_embeds") else out.pooler_output


with torch.no_grad():
    tokens = torch.tensor([[998, 320, 66, 536, 999] + [999] * 72, [998] + [7] * 75 + [999]])
    for kind, second in [("sd1", False), ("sd2", False), ("xl", False), ("xl", True)]:
        name = f"{kind}/text_encoder{'_2' if second else ''}"
        model = models.text(kind, second)
        keep(name, model)
        pooled(name, model, tokens)
    context = {"sd1": 128, "sd2": 128, "xl": 256}
    for name, kind, other in [("sd1/unet", "sd1", {}), ("sd2/unet", "sd2", {}), ("xl/unet", "xl", {}), ("sd1/inpaint", "sd1", dict(in_channels=9)),
                              ("sd1/lcm", "sd1", dict(time_cond_proj_dim=32))]:
        model = models.unet(kind, name, **other)
        keep(name, model)
        x = drawn(f"input/{name}", (2, model.config.in_channels, 12, 20)) * 10
        text = drawn("input/text", (2, 77, context[kind])) * 10
        more = dict(added_cond_kwargs={"text_embeds": drawn("input/pooled", (2, 128)) * 10,
                                       "time_ids": torch.tensor([[512., 768, 0, 8, 64, 96]] * 2)}) if kind == "xl" else {}
        if "lcm" in name:
            more["timestep_cond"] = drawn("input/guidance", (2, 32)) * 5
        tensors[name] = model(x, 123.25, encoder_hidden_states=text, **more).sample
        if name in ("sd1/unet", "xl/unet"):
            net = models.controlnet(kind)
            keep(f"{kind}/controlnet", net)
            picture = (drawn("input/picture", (2, 3, 96, 160)) * 10).sigmoid()
            down, middle = net(x, 123.25, encoder_hidden_states=text, controlnet_cond=picture, conditioning_scale=0.7, return_dict=False, **more)
            tensors[f"{kind}/controlnet"] = middle
            tensors[f"{kind}/controlled"] = model(
                x, 123.25, encoder_hidden_states=text, down_block_additional_residuals=down, mid_block_additional_residual=middle, **more).sample
    for kind in ("sd1", "xl"):
        model = models.vae(kind)
        keep(f"{kind}/vae", model)
        picture = drawn("input/picture", (1, 3, 40, 64)) * 5
        latents = model.encode(picture).latent_dist
        tensors[f"{kind}/vae/mean"], tensors[f"{kind}/vae/deviation"] = latents.mean, latents.std
        tensors[f"{kind}/vae/picture"] = model.decode(drawn("input/latents", (1, 4, 5, 8)) * 6).sample
    model = models.tiny()
    keep("taesd", model)
    tensors["taesd/latents"] = model.encode(drawn("input/picture", (1, 3, 40, 64)) * 5).latents
    tensors["taesd/picture"] = model.decode(drawn("input/latents", (1, 4, 5, 8)) * 6).sample
write(models.here / "networks.safetensors", tensors, {"names": json.dumps(names), "torch": torch.__version__})
print({k: (tuple(v.shape), round(float(v.abs().max()), 3)) for k, v in tensors.items()})
