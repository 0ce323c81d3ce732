"""Drawing with a model of SD 1.5's layout in diffusers, and a LoRA's training step in peft: seconds and gigabytes, a line each.

    python large_torch.py make FOLDER [small|xl]  writes a folder with random weights: 2 GB in float16, a small one, or SDXL's, 7 GB
    python large_torch.py draw FOLDER SIZE STEPS bfloat16|float32
                                                  opens it in that precision, channels last, and draws with guidance
    python large_torch.py lora FOLDER SIZE        a step of a LoRA of rank 16 in float32

Needs torch, diffusers and transformers, and peft for the LoRA.
"""
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

options = plain.Parser(__doc__).add("what", choices=["make", "draw", "lora"]).add("FOLDER", type=pathlib.Path).add(
    "more", nargs="*").parse_args()
plain.need("torch", "diffusers", "transformers")
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection


def memory(name):
    try:
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e9


def make(folder, small):
    torch.manual_seed(1)
    wide = dict(block_out_channels=(32, 64, 64, 64), cross_attention_dim=64) if small else dict(cross_attention_dim=768)
    deep = (32, 64, 64, 64) if small else (128, 256, 512, 512)
    text = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2) if small else dict(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    UNet2DConditionModel(sample_size=64, attention_head_dim=8, **wide).half().save_pretrained(folder / "unet")
    AutoencoderKL(block_out_channels=deep, layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * 4,
                  up_block_types=("UpDecoderBlock2D",) * 4, sample_size=512).half().save_pretrained(folder / "vae")
    CLIPTextModel(CLIPTextConfig(vocab_size=49408, eos_token_id=2, **text)).half().save_pretrained(folder / "text_encoder")
    DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
                  steps_offset=1).save_pretrained(folder / "scheduler")


def make_xl(folder):
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float16)
    UNet2DConditionModel(
        sample_size=128, block_out_channels=(320, 640, 1280), attention_head_dim=(5, 10, 20), cross_attention_dim=2048,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 2, 10),
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816).save_pretrained(folder / "unet")
    AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * 4,
                  up_block_types=("UpDecoderBlock2D",) * 4, sample_size=1024, scaling_factor=0.13025).save_pretrained(folder / "vae")
    first = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    second = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, hidden_act="gelu",
                  projection_dim=1280)
    CLIPTextModel(CLIPTextConfig(vocab_size=49408, eos_token_id=2, **first)).save_pretrained(folder / "text_encoder")
    CLIPTextModelWithProjection(CLIPTextConfig(vocab_size=49408, eos_token_id=2, **second)).save_pretrained(folder / "text_encoder_2")
    DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
                  steps_offset=1).save_pretrained(folder / "scheduler")


@torch.no_grad()
def draw(folder, size, steps, precision):
    kind = dict(torch_dtype=precision)
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", **kind)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", **kind).to(memory_format=torch.channels_last)
    vae = AutoencoderKL.from_pretrained(folder / "vae", **kind).to(memory_format=torch.channels_last)
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    scheduler.set_timesteps(steps)
    tokens = torch.full((2, 77), 320)
    x, taken, first, held = torch.randn(1, 4, size // 8, size // 8, dtype=precision), [], 0, 0
    told, last = text(tokens).last_hidden_state, time.perf_counter()
    for t in scheduler.timesteps:
        both = unet(torch.cat([x, x]).to(memory_format=torch.channels_last), t, encoder_hidden_states=told).sample
        without, words = both.chunk(2)
        x = scheduler.step(without + 7.5 * (words - without), t, x).prev_sample
        now = time.perf_counter()
        first = first or time.time()
        taken, last, held = taken + [now - last], now, max(held, memory("RssAnon"))
    for _ in range(2):  # The first time makes LibTorch ready.
        last = time.perf_counter()
        vae.decode((x / 0.18215).to(memory_format=torch.channels_last)).sample
    decoding, held = time.perf_counter() - last, max(held, memory("RssAnon"))
    begun = time.perf_counter()
    text(tokens)
    # On the clock, so that whoever started this knows how long the first step took from there.
    print(f"first {first}\ntext {time.perf_counter() - begun}\nstep {statistics.median(taken[1:])}\ndecoding {decoding}")
    print(f"memory {held}\npeak {memory('VmHWM')}")


def lora(folder, size):
    plain.need("peft")
    from peft import LoraConfig

    kind = dict(torch_dtype=torch.float32)
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", **kind)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", **kind).to(memory_format=torch.channels_last)
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=16, lora_alpha=16, target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    optimizer = torch.optim.AdamW([p for p in unet.parameters() if p.requires_grad], 1e-4)
    with torch.no_grad():
        told = text(torch.full((1, 77), 320)).last_hidden_state
    x, taken = torch.randn(1, 4, size // 8, size // 8), []
    for _ in range(3):
        begun = time.perf_counter()
        noise = torch.randn_like(x)
        answer = unet((0.7 * x + 0.7 * noise).to(memory_format=torch.channels_last), 500, encoder_hidden_states=told).sample
        (answer - noise).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        taken.append(time.perf_counter() - begun)
    print(f"lora {statistics.median(taken[1:])}\nlora-memory {memory('VmHWM')}")


def numbers(count):
    if len(options.more) != count or not all(word.isdigit() and int(word) > 0 for word in options.more):
        plain.stop(f"{options.what} takes a folder and {count} numbers; see --help.", 64)
    return [int(word) for word in options.more]


if options.what == "make":
    if options.more not in ([], ["small"], ["xl"]):
        plain.stop("make takes a folder, and perhaps the word small or xl; see --help.", 64)
    make_xl(options.FOLDER) if options.more == ["xl"] else make(options.FOLDER, options.more == ["small"])
else:
    plain.existing(options.FOLDER)
    with plain.reading(options.FOLDER):
        if options.what == "lora":
            lora(options.FOLDER, *numbers(1))
        else:
            precision = options.more.pop() if options.more else ""
            if precision not in ("bfloat16", "float32"):
                plain.stop("draw takes bfloat16 or float32 at last; see --help.", 64)
            draw(options.FOLDER, *numbers(2), getattr(torch, precision))
