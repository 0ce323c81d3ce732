#!/usr/bin/env python3
"""Lays the Battle for Wesnoth's sequences out for the recipe motion: most units to learn from, the others to measure on.

    python3 Scripts/sprites.py WESNOTH OUT

WESNOTH is the unpacked package wesnoth-1.16-data (GPL-2+), OUT a folder for the sequences. All together:

    apt-get download wesnoth-1.16-data && dpkg -x wesnoth-1.16-data_*.deb wesnoth
    python3 Scripts/sprites.py wesnoth sprites
    atelier train sprites/seen --recipe motion --minutes 60 --run sprites-run
    atelier measure sprites-run --against sprites/held

A unit is held back whole, with all its sequences: one of eight, by the MD5 of its folder and the first word of its files.
"""
import collections
import hashlib
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain


def main():
    options = plain.Parser(__doc__).add("WESNOTH", type=plain.existing).add("OUT", type=pathlib.Path).parse_args()
    units = next(options.WESNOTH.rglob("core/images/units"), None)
    if units is None:
        plain.stop(f"No core/images/units is in {options.WESNOTH}: unpack the package wesnoth-1.16-data there.", 66)
    sequences = collections.defaultdict(list)
    for path in units.rglob("*.png"):
        numbered = re.match(r"(.*?)[-_]?(\d+)\.png$", path.name)
        if numbered:
            sequences[path.parent.relative_to(units), numbered[1]].append(path)
    counts = collections.Counter()
    for (folder, name), files in sequences.items():
        if len(files) < 2:
            continue
        unit = folder.as_posix() + "/" + re.split(r"[-+_]", name)[0]
        side = "held" if int(hashlib.md5(unit.encode()).hexdigest(), 16) % 8 == 0 else "seen"
        target = options.OUT / side / folder
        with plain.writing(target):
            target.mkdir(parents=True, exist_ok=True)
            for path in files:
                shutil.copy(path, target)
        counts[side] += 1
    print(f"{counts['seen']} sequences to learn from, {counts['held']} to measure on, in {options.OUT}")


if __name__ == "__main__":
    main()
