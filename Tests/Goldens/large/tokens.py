"""Goldens of Tests/LargeModelsTests: CLIP's tokens of a thousand odd strings by transformers, and a vocabulary of 1,000 tokens.

    python Tests/Goldens/large/tokens.py        writes tokens.json and tokenizer/ beside itself
"""
import json
import pathlib
import random
import zipfile

from transformers import CLIPTokenizer

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent.parent
merges = zipfile.ZipFile(root / "Sources/LargeModels/Vocabulary/clip-merges.zip").read("merges.txt").decode().split("\n")[:-1]


def vocabulary(merges):
    seen = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters = [chr(b) for b in seen] + [chr(256 + n) for n in range(256 - len(seen))]
    words = letters + [c + "</w>" for c in letters] + [m.replace(" ", "") for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate(words)}


def tokenizer(merges):
    return CLIPTokenizer(vocab=vocabulary(merges), merges=[tuple(m.split(" ")) for m in merges])


folder = here / "tokenizer"
folder.mkdir(exist_ok=True)
(folder / "vocab.json").write_text(json.dumps(vocabulary(merges[:486]), ensure_ascii=False))
(folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges[:486]) + "\n")
(folder / "tokenizer_config.json").write_text(json.dumps({
    "tokenizer_class": "CLIPTokenizer", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>", "model_max_length": 77}))

random.seed(1)
texts = [
    "a photo of an astronaut riding a horse on mars", "", " ", "\n\t \r", "A  PHOTO\tof\na   Cat!!!", "it's I'VE they're we'll I'd can't don''t",
    "don’t ‘quote’ “this”", "1234567890 3.14159 1st 22nd ½ ² Ⅷ ٣ ४ ๕", "café cafe\u0301 naïve Å \u212b ﬁ ﬀ Ǆ ß ẞ İ ı ſ", "ΑΣ ΑΣΑ ὈΔΥΣΣΕΎΣ",
    "山水画，水墨，高清", "桜の木の下で、猫が眠る。", "고양이 한 마리", "кошка на крыше", "قطة على السطح", "แมวบนหลังคา", "बिल्ली छत पर", "חתול על הגג",
    "🐱", "👩‍👩‍👧‍👦 family", "🏳️‍🌈🇩🇪👍🏽", "a🐱b🐶c", "\u200b zero\u200bwidth\u200d \ufeff bom", "\x00\x01\x02 control \x1b[31m \x7f\x85\xa0\xad",
    "tab\tvertical\x0bform\x0cfile\x1cgroup\x1d", "\u2028line\u2029paragraph\u3000ideographic\u1680ogham\u180emongolian",
    "<|startoftext|> inside <|endoftext|> and on", "<|STARTOFTEXT|>!<|EndOfText|>", "!<|endoftext|>", "<|endoftext", "<||>", "a<|endoftext|>b",
    "((masterpiece)), [best] quality, (words:1.3), {a|b}, <lora:x:0.8>, \\(escaped\\)", "C:\\path\\file.png /usr/bin && rm -rf", "#$%^&*()_+-=~`",
    "http://example.com/a?b=c&d=e#f user@example.com", "snake_case camelCase kebab-case dot.case", "a" * 500, "ab" * 300, "supercalifragilistic" * 20,
    "!" * 300, "word " * 200, "é" * 100, "😀" * 90, "漢" * 120, "\u0301" * 30, "e\u0301\u0302\u0303" * 10, "Z̷̢̛a̶l̸g̵o̴", "'s't're've'm'll'd", "''''", "x'", "'",
    "\ud7ff\ue000\uf8ff\uffff", "\U0001f9ff\U000e0061\U0010ffff", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚", "ⅷⅸ①②③❶", "ªº ʰʷ ǅ", "ǰ ΐ ŉ", "in 1984, 42% of £100 cost €5 or ¥7",
]
words = ["cat", "Dog", "castle", "oil painting", "8k", "trending", "Ünïcödé", "猫", "犬", "🐉", "don't", "1girl", "--ar", "16:9", "e\u0301", "Ω", "ñ", "ﷺ", "\u200d", "ʼn",
         "…", "—", "''", "(", ")", "3.5", "x²", "ё", "ß", "İ", "\x07", "\u00a0", "<|", "|>", "_", "ⅳ", "👨‍🚀", "ক", "์"]
while len(texts) < 700:
    texts.append("".join(random.choice(words) + random.choice(["", " ", ", ", "\n"]) for _ in range(random.randint(1, 12))))
ranges = [(0, 0x7f), (0x80, 0x24f), (0x250, 0x52f), (0x530, 0xfff), (0x1000, 0x2fff), (0x3000, 0xd7ff), (0xe000, 0xffff), (0x1f000, 0x1faff)]
while len(texts) < 1050:
    low, high = random.choice(ranges)
    texts.append("".join(chr(random.randint(low, high)) for _ in range(random.randint(1, 20))))
full = tokenizer(merges)
found = [[text, full(text, add_special_tokens=False)["input_ids"]] for text in texts]
assert found[0][1] == [320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496]
(here / "tokens.json").write_text(json.dumps(found, ensure_ascii=True, separators=(",", ":")))
print(len(found), (here / "tokens.json").stat().st_size)
