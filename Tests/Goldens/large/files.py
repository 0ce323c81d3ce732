"""Goldens of Tests/LargeModelsTests: diffusers' config files of the small models, and the names that single files give their tensors.

    python Tests/Goldens/large/files.py        writes files.json beside itself

diffusers has no writer of single files; names are turned round here, and its own readers must then find every tensor.
"""
import json
import re
import zlib

import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler)
from diffusers.loaders import single_file_utils as single

import models


def unet_original(name, c):
    blocks, levels = c.layers_per_block, len(c.block_out_channels)
    name = name.replace("time_embedding.linear_1", "time_embed.0").replace("time_embedding.linear_2", "time_embed.2")
    name = name.replace("time_embedding.cond_proj", "time_embed.cond_proj")
    name = name.replace("add_embedding.linear_1", "label_emb.0.0").replace("add_embedding.linear_2", "label_emb.0.2")
    name = re.sub(r"^conv_in", "input_blocks.0.0", name)
    name = re.sub(r"^conv_norm_out", "out.0", re.sub(r"^conv_out", "out.2", name))
    resnet = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
              "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}

    def inner(rest):
        head, tail = rest.split(".", 1)
        return f"{resnet[head]}.{tail}"

    if m := re.match(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.*)", name):
        level, kind, i, rest = int(m[1]), m[2], int(m[3]), m[4]
        if kind == "downsamplers":
            return f"input_blocks.{(level + 1) * (blocks + 1)}.0.op." + rest.split(".", 1)[1]
        place = level * (blocks + 1) + i + 1
        return f"input_blocks.{place}.0." + inner(rest) if kind == "resnets" else f"input_blocks.{place}.1." + rest
    if m := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name):
        return f"middle_block.{2 * int(m[2])}." + inner(m[3]) if m[1] == "resnets" else "middle_block.1." + m[3]
    if m := re.match(r"up_blocks\.(\d+)\.(resnets|attentions|upsamplers)\.(\d+)\.(.*)", name):
        level, kind, i, rest = int(m[1]), m[2], int(m[3]), m[4]
        if kind == "upsamplers":
            attends = c.up_block_types[level].startswith("Cross")
            return f"output_blocks.{(level + 1) * (blocks + 1) - 1}.{2 if attends else 1}." + rest
        place = level * (blocks + 1) + i
        return f"output_blocks.{place}.0." + inner(rest) if kind == "resnets" else f"output_blocks.{place}.1." + rest
    return name


def vae_original(name, levels):
    m = re.match(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(resnets|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
    if m:
        way, level, rest = m[2], int(m[3]), m[6].replace("conv_shortcut", "nin_shortcut")
        level = level if way == "down" else levels - 1 - level
        return f"{m[1]}.{way}.{level}." + (f"block.{m[5]}.{rest}" if m[4] == "resnets" else f"{way}sample.{rest}")
    name = name.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
    if "mid_block.attentions.0" in name:
        for new, old in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            name = name.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{old}.")
    return name.replace("conv_norm_out", "norm_out")


def open_clip(names, layers):
    rows = []
    for name in names:
        short = name.removeprefix("text_model.")
        if "q_proj" in short:
            kind = short.rsplit(".", 1)[1]
            place = re.sub(r"encoder\.layers\.(\d+)\.self_attn.*", r"transformer.resblocks.\1.attn", short)
            rows.append([f"{place}.in_proj_{kind}", [name.replace("q_proj", f"{x}_proj") for x in "qkv"], "stack"])
        elif "k_proj" in short or "v_proj" in short:
            continue
        elif short == "text_projection.weight":
            rows.append(["text_projection", [name], "T"])
        else:
            for new, old in (("embeddings.token_embedding", "token_embedding"), ("embeddings.position_embedding.weight", "positional_embedding"),
                             ("final_layer_norm", "ln_final"), ("encoder.layers", "transformer.resblocks"), ("layer_norm1", "ln_1"),
                             ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"), ("self_attn.out_proj", "attn.out_proj")):
                short = short.replace(new, old)
            rows.append([short, [name], ""])
    return rows


def made(rows, state, prefix):
    out = {}
    for original, sources, how in rows:
        found = [state[s] for s in sources]
        out[prefix + original] = torch.cat(found) if how == "stack" else found[0].T if how == "T" else \
            found[0][..., None, None] if how == "conv" else found[0]
    return out


def same(found, wanted):
    assert set(found) == set(wanted), sorted(set(found) ^ set(wanted))[:5]
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name


files = {}
for kind in ("sd1", "sd2", "xl"):
    unet, vae, text = models.unet(kind), models.vae(kind), models.text(kind)
    configs = {"unet": unet.config, "vae": vae.config, "text_encoder": text.config.to_dict()}
    configs["scheduler"] = DDIMScheduler(**{k: v for k, v in models.scheduler(kind).items()}).config
    single_file = {"model.diffusion_model.": [[unet_original(n, unet.config), [n], ""] for n in unet.state_dict()],
                   "first_stage_model.": [[vae_original(n, 4), [n], "conv" if re.search(r"attentions\.0\.to_.*weight", n) else ""] for n in vae.state_dict()]}
    state = made(single_file["model.diffusion_model."], unet.state_dict(), "model.diffusion_model.")
    same(single.convert_ldm_unet_checkpoint(state, dict(unet.config)), unet.state_dict())
    state = made(single_file["first_stage_model."], vae.state_dict(), "first_stage_model.")
    same(single.convert_ldm_vae_checkpoint(state, dict(vae.config)), vae.state_dict())
    names = {models.own(n): t for n, t in text.state_dict().items()}
    if kind == "sd2":
        single_file["cond_stage_model.model."] = rows = open_clip(names, 3)
        same({models.own(k): v for k, v in single.convert_open_clip_checkpoint(text, made(rows, names, "cond_stage_model.model."), "cond_stage_model.model.").items()}, names)
    else:
        prefix = {"sd1": "cond_stage_model.transformer.", "xl": "conditioner.embedders.0.transformer."}[kind]
        single_file[prefix] = rows = [[n, [n], ""] for n in names]
        same(single.convert_ldm_clip_checkpoint(made(rows, names, prefix)), names)
    if kind == "xl":
        second = models.text("xl", True)
        configs["text_encoder_2"] = second.config.to_dict()
        names, prefix = dict(second.state_dict()), "conditioner.embedders.1.model."
        single_file[prefix] = rows = open_clip(names, 3)
        same(single.convert_open_clip_checkpoint(second, made(rows, names, prefix), prefix), names)
    files[kind] = dict(configs={k: json.loads(json.dumps(dict(v), default=str)) for k, v in configs.items()}, single=single_file)
controlnet = models.controlnet("sd1")
rows = [[re.sub(r"^controlnet_mid_block", "middle_block_out.0", re.sub(r"^controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0",
         re.sub(r"^controlnet_cond_embedding\.blocks\.(\d+)", lambda m: f"input_hint_block.{2 * int(m[1]) + 2}",
         n.replace("controlnet_cond_embedding.conv_in", "input_hint_block.0").replace("controlnet_cond_embedding.conv_out", "input_hint_block.14")))), [n], ""]
        for n in controlnet.state_dict()]
rows = [[unet_original(o, controlnet.config), s, how] for o, s, how in rows]
state = made(rows, controlnet.state_dict(), "control_model.")
same(single.convert_controlnet_checkpoint(state, dict(controlnet.config)), controlnet.state_dict())
files["controlnet"] = dict(config=json.loads(json.dumps(dict(controlnet.config), default=str)), single={"control_model.": rows})
text = json.dumps(files, separators=(",", ":"))
(models.here / "files.json").write_text(text)
print(len(text))
