"""Small models of the layouts of SD 1.5, SD 2.1 and SDXL, with weights that a test in Swift draws again to the bit.

Each tensor is drawn by a generator whose seed is the CRC-32 of its name, so that the goldens hold answers, not weights.
"""
import pathlib
import zlib

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

here = pathlib.Path(__file__).resolve().parent
WIDTHS = {"sd1": (32, 64, 64, 64), "sd2": (64, 64, 128, 128), "xl": (64, 128, 128)}
UNETS = {
    "sd1": dict(attention_head_dim=8, cross_attention_dim=128),
    "sd2": dict(attention_head_dim=(1, 1, 2, 2), cross_attention_dim=128, use_linear_projection=True, upcast_attention=True),
    "xl": dict(attention_head_dim=(1, 2, 2), cross_attention_dim=256, use_linear_projection=True, addition_embed_type="text_time",
               addition_time_embed_dim=8, projection_class_embeddings_input_dim=176, transformer_layers_per_block=(1, 1, 2),
               down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
               up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")),
}
SCALE = {"sd1": 0.18215, "sd2": 0.18215, "xl": 0.13025}


def drawn(name, shape):
    """The weight of that name: standard normal, scaled so that signals keep their size."""
    noise = torch.randn(tuple(shape), generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if len(shape) < 2:
        return noise * 0.1 + 1 if "norm" in name and name.endswith("weight") else noise * 0.05
    return noise * (0.8 / (noise.numel() / shape[0]) ** 0.5)


def own(name):
    """transformers 5 leaves a prefix out that files have."""
    text = name.startswith(("embeddings.", "final_layer_norm.")) or name.startswith("encoder.layers.")
    return f"text_model.{name}" if text else name


def filled(model, prefix):
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype.is_floating_point:
                tensor.copy_(drawn(f"{prefix}/{own(name) if 'text' in prefix else name}", tensor.shape))
    return model.eval()


def unet(kind, prefix=None, **other):
    made = UNet2DConditionModel(**dict(
        sample_size=8, block_out_channels=WIDTHS[kind], layers_per_block=2, norm_num_groups=32, **(UNETS[kind] | other)))
    return filled(made, prefix or f"{kind}/unet")


def controlnet(kind):
    made = ControlNetModel(**dict(
        block_out_channels=WIDTHS[kind], layers_per_block=2, norm_num_groups=32, conditioning_embedding_out_channels=(16, 32, 96, 256),
        **{k: v for k, v in UNETS[kind].items() if k != "up_block_types"}))
    return filled(made, f"{kind}/controlnet")


def vae(kind):
    return filled(AutoencoderKL(
        block_out_channels=(32, 32, 64, 64), layers_per_block=1 if kind == "xl" else 2, norm_num_groups=32, latent_channels=4, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        scaling_factor=SCALE[kind], force_upcast=kind == "xl"), f"{kind}/vae")


def tiny():
    return filled(AutoencoderTiny(), "taesd")


def text(kind, second=False):
    """The encoder of CLIP's kinds L, H and bigG."""
    made = dict(vocab_size=1000, hidden_size=128, intermediate_size=512, num_attention_heads=2, num_hidden_layers=3, projection_dim=128,
                hidden_act="quick_gelu" if kind != "sd2" and not second else "gelu", bos_token_id=998, eos_token_id=999, pad_token_id=1)
    made = CLIPTextConfig(**made)
    name = f"{kind}/text_encoder{'_2' if second else ''}"
    made = filled(CLIPTextModelWithProjection(made) if second else CLIPTextModel(made), name)
    if not hasattr(made, "text_model"):
        # transformers 5 has no such part; diffusers 0.42 asks for it when layers are skipped.
        object.__setattr__(made, "text_model", made)
    return made


def tokenizer(pad="<|endoftext|>"):
    return CLIPTokenizer.from_pretrained(here / "tokenizer", pad_token=pad, model_max_length=77)


def scheduler(kind):
    """What the published files of the kind say."""
    common = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
                  timestep_spacing="leading", set_alpha_to_one=False, clip_sample=False)
    return common | dict(prediction_type="v_prediction" if kind == "sd2" else "epsilon")
