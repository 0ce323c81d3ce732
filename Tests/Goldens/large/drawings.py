"""Goldens of Tests/LargeModelsTests: whole drawings by diffusers' pipelines, each sampler's, and LoRAs by diffusers and peft.

    python Tests/Goldens/large/drawings.py        writes drawings.safetensors beside itself
"""
import json
import pathlib
import sys

import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       HeunDiscreteScheduler, LCMScheduler, StableDiffusionControlNetPipeline, StableDiffusionImg2ImgPipeline,
                       StableDiffusionInpaintPipeline, StableDiffusionPipeline, StableDiffusionXLControlNetPipeline,
                       StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline, UniPCMultistepScheduler)
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model, get_peft_model_state_dict

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import models
from golden import write
from models import drawn

torch.set_grad_enabled(False)
tensors, cases, adapters = {}, [], {}
SAMPLERS = {"euler": EulerDiscreteScheduler, "euler-a": EulerAncestralDiscreteScheduler, "heun": HeunDiscreteScheduler,
            "dpm++2m": DPMSolverMultistepScheduler, "dpm++2m-sde": DPMSolverMultistepScheduler, "ddim": DDIMScheduler,
            "unipc": UniPCMultistepScheduler, "lcm": LCMScheduler}
parts = {}


def part(name, make):
    if name not in parts:
        parts[name] = make()
    return parts[name]


def scheduler(kind, sampler, spacing, **other):
    config = models.scheduler(kind) | other
    if spacing in ("karras", "exponential"):
        config[f"use_{spacing}_sigmas"] = True
    else:
        config["timestep_spacing"] = spacing
    if sampler == "dpm++2m-sde":
        config["algorithm_type"] = "sde-dpmsolver++"
    return SAMPLERS[sampler].from_config(config)


def pipeline(kind, task="text", unet="unet"):
    common = dict(vae=part(f"{kind}/vae", lambda: models.vae(kind)), text_encoder=part(f"{kind}/text", lambda: models.text(kind)),
                  tokenizer=models.tokenizer("!" if kind == "sd2" else "<|endoftext|>"), scheduler=scheduler(kind, "euler", "leading"),
                  unet=part(f"{kind}/{unet}", lambda: models.unet(kind, f"{kind}/{unet}", **dict(
                      inpaint=dict(in_channels=9), lcm=dict(time_cond_proj_dim=32)).get(unet, {}))))
    if "control" in task:
        common["controlnet"] = part(f"{kind}/controlnet", lambda: models.controlnet(kind))
    if kind == "xl":
        common |= dict(text_encoder_2=part("xl/text2", lambda: models.text("xl", True)), tokenizer_2=models.tokenizer("!"))
        made = {"text": StableDiffusionXLPipeline, "image": StableDiffusionXLImg2ImgPipeline, "control": StableDiffusionXLControlNetPipeline}
        made = made[task](**common, add_watermarker=False)
    else:
        made = {"text": StableDiffusionPipeline, "image": StableDiffusionImg2ImgPipeline, "fill": StableDiffusionInpaintPipeline,
                "control": StableDiffusionControlNetPipeline}[task]
        made = made(**common, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


PICTURE = (drawn("drawing/picture", (1, 3, 64, 64)) * 8).sigmoid()
MASK = torch.zeros(1, 1, 64, 64)
MASK[:, :, 16:48, 24:] = 1
TEXT = dict(prompt="a cat (with) a hat", negative_prompt="blurry, dull")


def draw(name, kind, sampler, spacing, steps=10, guidance=5.0, task="text", unet="unet", picture=False, noise={}, swift={}, **other):
    pipe = pipeline(kind, task, unet)
    pipe.scheduler = scheduler(kind, sampler, spacing, **noise)
    size = {} if task in ("image",) else dict(height=64, width=64)
    out = pipe(**(TEXT | other), num_inference_steps=steps, guidance_scale=guidance, generator=torch.Generator().manual_seed(7),
               output_type="pt" if picture else "latent", **size)
    tensors[name] = out[0] * 2 - 1 if picture else out[0]
    cases.append(dict(name=name, kind=kind, sampler=sampler, spacing=spacing, steps=steps, guidance=guidance, task=task, unet=unet,
                      picture=picture, zero=noise.get("rescale_betas_zero_snr", False), **swift))
    print(name, float(tensors[name].abs().max()), flush=True)


for sampler, spacings in {"euler": ("leading", "trailing", "linspace", "karras", "exponential"), "euler-a": ("leading", "trailing"),
                          "heun": ("leading", "karras"), "dpm++2m": ("leading", "trailing", "linspace", "karras", "exponential"),
                          "dpm++2m-sde": ("leading", "karras"), "ddim": ("leading", "trailing"),
                          "unipc": ("leading", "trailing", "karras"), "lcm": ("leading",)}.items():
    for spacing in spacings:
        draw(f"sd1/{sampler}/{spacing}", "sd1", sampler, spacing, steps=4 if sampler == "lcm" else 10)
draw("sd1/picture", "sd1", "dpm++2m", "leading", picture=True)
draw("sd1/unguided", "sd1", "euler", "leading", guidance=1.0)
# diffusers skips layers for the prompt alone, not for the negative one.
draw("sd1/skipped", "sd1", "euler", "leading", guidance=1.0, clip_skip=1, swift=dict(skip=1))
draw("sd1/lcm model", "sd1", "lcm", "leading", steps=4, guidance=8.0, unet="lcm")
for sampler in ("euler", "ddim", "unipc"):
    draw(f"sd2/{sampler}", "sd2", sampler, "leading", picture=sampler == "euler")
for sampler in ("ddim", "euler", "dpm++2m"):
    draw(f"sd2/{sampler}/zero", "sd2", sampler, "trailing", noise=dict(rescale_betas_zero_snr=True), guidance_rescale=0.7, swift=dict(rescale=0.7))
draw("xl/euler", "xl", "euler", "leading", picture=True)
draw("xl/empty", "xl", "dpm++2m", "karras", negative_prompt=None, swift=dict(negative=""))
draw("xl/skipped", "xl", "euler", "leading", guidance=1.0, clip_skip=1, original_size=(96, 80), crops_coords_top_left=(4, 8),
     swift=dict(skip=1, crop=[96, 80, 4, 8]))
draw("xl/turbo", "xl", "euler-a", "trailing", steps=1, guidance=0.0)
draw("sd1/image", "sd1", "dpm++2m", "leading", task="image", image=PICTURE, strength=0.6, swift=dict(strength=0.6))
draw("sd1/image/unipc", "sd1", "unipc", "leading", task="image", image=PICTURE, strength=0.45, swift=dict(strength=0.45))
draw("xl/image", "xl", "euler", "leading", task="image", image=PICTURE, strength=0.5, swift=dict(strength=0.5))
draw("sd1/fill", "sd1", "ddim", "leading", task="fill", image=PICTURE, mask_image=MASK, strength=1.0)
draw("sd1/fill/part", "sd1", "euler", "leading", task="fill", image=PICTURE, mask_image=MASK, strength=0.7, swift=dict(strength=0.7))
draw("sd1/inpaint", "sd1", "ddim", "leading", task="fill", unet="inpaint", image=PICTURE, mask_image=MASK, strength=1.0)
draw("sd1/inpaint/part", "sd1", "euler", "leading", task="fill", unet="inpaint", image=PICTURE, mask_image=MASK, strength=0.7, swift=dict(strength=0.7))
for kind in ("sd1", "xl"):
    draw(f"{kind}/control", kind, "euler", "leading", task="control", image=PICTURE, controlnet_conditioning_scale=0.7, swift=dict(control=0.7))
draw("sd1/control/part", "sd1", "dpm++2m", "leading", task="control", image=PICTURE, control_guidance_start=0.2, control_guidance_end=0.6,
     swift=dict(control=1.0, span=[0.2, 0.6]))


def travel(kind, other, part):
    """Words on the way to others: features that are mixed."""
    pipe = pipeline(kind)
    ends = [pipe.encode_prompt(text, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True,
                               negative_prompt=TEXT["negative_prompt"]) for text in (TEXT["prompt"], other)]
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    mixed = {name: torch.lerp(a, b, part) for name, a, b in zip(names, *ends)}
    draw(f"{kind}/travel", kind, "euler", "leading", prompt=None, negative_prompt=None, swift=dict(towards=other, part=part), **mixed)


for kind in ("sd1", "xl"):
    travel(kind, "the red boat", 0.3)

# A prompt of three pieces, one of them by BREAK, with weights whose mean is restored: transformers' features, put together here.
encoder, tokenizer = part("sd1/text", lambda: models.text("sd1")), models.tokenizer()
ids = tokenizer(" ".join(["cat"] * 40), add_special_tokens=False)["input_ids"]
assert len(ids) == 80, len(ids)
tail = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a", "hat")]
rows = [(ids[:75], [1.0] * 75), (ids[75:], [1.0] * 5), (tail[0] + tail[1], [1.0] * len(tail[0]) + [1.3] * len(tail[1]))]
z = encoder(torch.tensor([[998] + row + [999] * (76 - len(row)) for row, _ in rows])).last_hidden_state
weighted = z * torch.tensor([[1.0] + weights + [1.0] * (76 - len(weights)) for _, weights in rows])[..., None]
tensors["sd1/long"] = (weighted * (z.mean(dim=(1, 2), keepdim=True) / weighted.mean(dim=(1, 2), keepdim=True))).reshape(1, -1, 128)


# Adapters. Files are drawn again by the test from their keys and shapes.
def state(name, shapes):
    return {key: torch.tensor(2.0) if key.endswith("alpha") else drawn(f"{name}/{key}", shape) * 0.5 for key, shape in shapes.items()}


def lora(layers, rank=4, up="lora_up.weight", down="lora_down.weight", alpha=True):
    shapes = {}
    for layer, shape in layers.items():
        shapes[f"{layer}.{down}"] = [rank, *shape[1:]]
        shapes[f"{layer}.{up}"] = [shape[0], rank] + [1] * (len(shape) - 2)
        if alpha:
            shapes[f"{layer}.alpha"] = []
    return shapes


def told(kind, name, weight):
    """The pipeline with the file's changes: the UNet's by diffusers, which can't find transformers 5's text encoders, the others by hand."""
    pipe, found = pipeline(kind), state(name, adapters[name])
    pipe.load_lora_weights({k: v for k, v in found.items() if k.startswith("lora_unet_")})
    pipe.set_adapters(pipe.get_active_adapters(), weight)
    for prefix, encoder in (("lora_te_", "text_encoder"), ("lora_te1_", "text_encoder"), ("lora_te2_", "text_encoder_2")):
        for key in [k for k in found if k.startswith(prefix) and k.endswith("lora_up.weight")]:
            layer = key.removesuffix(".lora_up.weight")
            for parameter, tensor in getattr(pipe, encoder).named_parameters():
                if models.own(parameter).removesuffix(".weight").replace(".", "_") == layer.removeprefix(prefix):
                    tensor += weight * float(found[layer + ".alpha"]) / 4 * found[key] @ found[layer + ".lora_down.weight"]
                    break
            else:
                raise KeyError(key)
    out = pipe(**TEXT, num_inference_steps=4, guidance_scale=5.0, height=64, width=64, generator=torch.Generator().manual_seed(7), output_type="latent")
    tensors[f"{kind}/kohya"] = out[0]
    pipe.unload_lora_weights()


def shape_of(model, path):
    return list(dict(model.named_parameters())[path + ".weight"].shape)


kohya = {}
unet = part("sd1/unet", None)
for path in ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v",
             "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj", "up_blocks.1.attentions.2.transformer_blocks.0.attn1.to_out.0",
             "down_blocks.1.attentions.0.proj_in", "up_blocks.2.resnets.0.conv1"):
    kohya["lora_unet_" + path.replace(".", "_")] = shape_of(unet, path)
for path, shape in (("self_attn_q_proj", [128, 128]), ("mlp_fc1", [512, 128])):
    kohya[f"lora_te_text_model_encoder_layers_1_{path}"] = shape
adapters["kohya"] = lora(kohya)
told("sd1", "kohya", 0.8)

# SDXL's have the original's paths.
unet = part("xl/unet", None)
originals = {"input_blocks_4_1": "down_blocks.1.attentions.0", "input_blocks_8_1": "down_blocks.2.attentions.1",
             "middle_block_1": "mid_block.attentions.0", "output_blocks_2_1": "up_blocks.0.attentions.2"}
layers = {f"lora_unet_{new}_transformer_blocks_0_attn2_to_k": shape_of(unet, f"{old}.transformer_blocks.0.attn2.to_k") for new, old in originals.items()}
layers |= {f"lora_te{n}_text_model_encoder_layers_0_self_attn_k_proj": [128, 128] for n in (1, 2)}
adapters["kohya-xl"] = lora(layers)
told("xl", "kohya-xl", 1.0)

x, text = drawn("input/sd1/unet", (2, 4, 12, 20)) * 10, drawn("input/text", (2, 77, 128)) * 10
targets = ["to_q", "to_v", "ff.net.0.proj", "proj_in", "conv1"]
configs = {"peft": LoraConfig(r=4, lora_alpha=8, target_modules=targets), "loha": LoHaConfig(r=4, alpha=8, target_modules=targets, use_effective_conv2d=True),
           "lokr": LoKrConfig(r=2, alpha=8, target_modules=targets, use_effective_conv2d=True, decompose_both=True)}
for name, config in configs.items():
    model = get_peft_model(models.unet("sd1"), config)
    found = get_peft_model_state_dict(model)
    for key, tensor in found.items():
        tensor.copy_(drawn(f"{name}/{key}", tensor.shape) * (0.5 if name == "peft" else 1))
    live = {k.replace(".default", ""): v for k, v in model.state_dict().items()}
    for key, tensor in found.items():
        live[key].copy_(tensor)
    adapters[name] = {key: list(tensor.shape) for key, tensor in found.items()}
    tensors[f"sd1/{name}"] = model(x, 123.25, encoder_hidden_states=text).sample
    print(name, len(adapters[name]), list(adapters[name])[:4], float(tensors[f"sd1/{name}"].abs().max()))

write(models.here / "drawings.safetensors", tensors,
      {"cases": json.dumps(cases), "adapters": json.dumps(adapters), "torch": torch.__version__})
