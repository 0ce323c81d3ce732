"""What the Python scripts share: help, and one sentence with an exit code for what goes wrong.

    import plain

A module, which does nothing by itself. The codes are those of sysexits.h, as `atelier` has them: 64 usage, 65 a damaged
file, 66 a missing one, 69 a package or the network is missing, 73 a place that cannot be written.
"""
import argparse
import contextlib
import importlib
import pathlib
import sys


def stop(sentence, code):
    print(f"{pathlib.Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(code)


def reason(error):
    return getattr(error, "strerror", None) or error


class Parser(argparse.ArgumentParser):
    """Answers --help with the script's own words `doc`, and a wrong argument with a sentence."""

    def __init__(self, doc):
        super().__init__()
        self.doc = doc

    def add(self, name, **more):
        self.add_argument(name, **more)
        return self

    def format_help(self):
        return self.doc.strip() + "\n"

    def error(self, message):
        stop(f"{message}; see --help.", 64)


def existing(word):
    """The type of an argument: a file or folder that is there."""
    if not pathlib.Path(word).exists():
        stop(f"There is no {word}: name a file or folder that is there.", 66)
    return pathlib.Path(word)


def count(word):
    """The type of an argument: a whole number from 1."""
    if int(word) < 1:
        raise ValueError
    return int(word)


def need(*modules):
    """Stops where a module of somebody else's cannot be imported."""
    lacking = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            lacking.append("pillow" if module == "PIL" else module)
    if lacking:
        own = ", or take .venv/bin/python, which Scripts/setup --tests makes"
        stop(f"This Python lacks {', '.join(lacking)}: run pip install {' '.join(lacking)} in a virtual environment"
             f"{own if {'numpy', 'pillow', 'torch'}.issuperset(lacking) else ''}.", 69)


@contextlib.contextmanager
def reading(path):
    """Stops where the file or folder at `path` cannot be read, whatever its reader throws then."""
    try:
        yield
    except Exception as error:
        # An error without a number is a reader's, not the system's.
        stop(f"{path} cannot be read ({reason(error)}): name another.", 66 if getattr(error, "errno", None) else 65)


@contextlib.contextmanager
def writing(path):
    """Stops where the file or folder at `path` cannot be written, whatever its writer throws then."""
    try:
        yield
    except Exception as error:
        stop(f"{path} cannot be written ({reason(error)}): name another.", 73)


if __name__ == "__main__":
    Parser(__doc__).parse_args()


def prefers_bfloat16():
    """Whether PyTorch is faster in bfloat16 than in float32 on this processor: with AMX, or AMD's AVX512-BF16. Intel's cores take
    twice as long for its products where AMX is hidden, as in many virtual machines."""
    try:
        words = pathlib.Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return "amx_bf16" in words or ("avx512_bf16" in words and "GenuineIntel" not in words)
