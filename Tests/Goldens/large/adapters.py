"""Goldens of Tests/LargeModelsTests/AdapterTrainingTests.swift: LoRAs that peft's layers learn in five steps of PyTorch's AdamW.

    python Tests/Goldens/large/adapters.py        writes adapters.safetensors beside itself

Layers are numbered in the order of their names. The first step's gradients of `up` are kept by
their norms, since Adam hides a wrong scale. Losses are weighted as in diffusers' text-to-image training (--snr_gamma 5).
"""
import pathlib
import sys

import torch
from diffusers import DDIMScheduler, StableDiffusionXLPipeline
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import models
from golden import write
from models import drawn

torch.set_grad_enabled(True)
STEPS, LEVELS, RANK, ALPHA = 5, [700, 20, 333, 999, 510], 4, 2
tensors = {}


def adapted(network, names, prefix):
    """Its layers of peft, by name; `down` is drawn, `up` is 0."""
    network.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=names), network)
    layers = dict(sorted(((f"{name}.weight", layer) for name, layer in network.named_modules() if isinstance(layer, LoraLayer))))
    for i, layer in enumerate(layers.values()):
        with torch.no_grad():
            layer.lora_A["default"].weight.copy_(drawn(f"train/{prefix}/{i}", layer.lora_A["default"].weight.shape))
    return list(layers.values())


for kind, with_text in [("sd1", True), ("sd2", False), ("xl", False)]:
    unet, encoder, tokenizer = models.unet(kind), models.text(kind), models.tokenizer("!" if kind == "sd2" else "<|endoftext|>")
    if kind == "xl":
        pipe = StableDiffusionXLPipeline(
            vae=models.vae(kind), unet=unet, text_encoder=encoder, text_encoder_2=models.text(kind, True), tokenizer=tokenizer,
            tokenizer_2=models.tokenizer("!"), scheduler=DDIMScheduler.from_config(models.scheduler(kind)), add_watermarker=False)
    layers = {"unet": adapted(unet, ["to_q", "to_k", "to_v", "to_out.0"], f"{kind}/unet")}
    encoder.requires_grad_(False)
    groups = [[p for layer in layers["unet"] for p in (layer.lora_A["default"].weight, layer.lora_B["default"].weight)]]
    if with_text:
        layers["text"] = adapted(encoder, ["q_proj", "k_proj", "v_proj", "out_proj"], f"{kind}/text")
        groups.append([p for layer in layers["text"] for p in (layer.lora_A["default"].weight, layer.lora_B["default"].weight)])
    optimizers = [torch.optim.AdamW(group, lr=rate) for group, rate in zip(groups, [1e-4, 5e-5])]
    losses = []
    for i in range(STEPS):
        latents, noise = drawn(f"train/latents/{i % 2}", (1, 4, 8, 8)) * 2, drawn(f"train/noise/{i}", (1, 4, 8, 8)) * 2
        level = torch.tensor([LEVELS[i]])
        shares = torch.cumprod(1 - torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float32) ** 2, 0)
        alpha, sigma = shares[level].sqrt(), (1 - shares[level]).sqrt()
        x = latents * alpha + noise * sigma
        prompt = "" if i == 3 else "a cat (with) a hat"
        other = {}
        if kind == "xl":
            with torch.no_grad():
                text, _, pooled, _ = pipe.encode_prompt(prompt, device="cpu", num_images_per_prompt=1,
                                                        do_classifier_free_guidance=False)
            other = dict(added_cond_kwargs=dict(text_embeds=pooled, time_ids=torch.tensor([[64., 64, 0, 0, 64, 64]])))
        else:
            tokens = tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
            text = encoder(tokens)[0]
        answer = unet(x, level, encoder_hidden_states=text, **other).sample
        velocity = kind == "sd2"
        target = alpha * noise - sigma * latents if velocity else noise
        snr = alpha ** 2 / sigma ** 2
        weight = torch.clamp(snr, max=5) / (snr + 1 if velocity else snr)
        loss = weight.item() * torch.nn.functional.mse_loss(answer, target)
        losses.append(loss.item())
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        if i == 0:
            for name, found in layers.items():
                tensors[f"{kind}/{name}/gradients"] = torch.stack([layer.lora_B["default"].weight.grad.norm() for layer in found])
        for optimizer in optimizers:
            optimizer.step()
    tensors[f"{kind}/losses"] = torch.tensor(losses)
    for name, found in layers.items():
        for i, layer in enumerate(found):
            tensors[f"{kind}/{name}/{i}.down"] = layer.lora_A["default"].weight
            tensors[f"{kind}/{name}/{i}.up"] = layer.lora_B["default"].weight
    print(kind, losses, len(tensors))

write(pathlib.Path(__file__).resolve().parent / "adapters.safetensors", tensors)
