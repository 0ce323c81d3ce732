#!/usr/bin/env python3
"""Lays the Battle for Wesnoth's sequences out for the recipe motion: most units to learn from, the others to measure on.

    apt-get download wesnoth-1.16-data && dpkg -x wesnoth-1.16-data_*.deb wesnoth    (GPL-2+)
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


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    units = next(pathlib.Path(sys.argv[1]).rglob("core/images/units"), None)
    if units is None:
        sys.exit(f"No core/images/units is in {sys.argv[1]}: unpack the package wesnoth-1.16-data there.")
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
        target = pathlib.Path(sys.argv[2]) / side / folder
        target.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.copy(path, target)
        counts[side] += 1
    print(f"{counts['seen']} sequences to learn from, {counts['held']} to measure on, in {sys.argv[2]}")


if __name__ == "__main__":
    main()
