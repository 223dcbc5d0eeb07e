#!/usr/bin/env python3
"""Builds each program of this crate anew and prints what that cost: `python3 benches/compile_cost/measure.py`.

The library and its dependencies are built before and are not counted. Seconds are those that the compiler and the linker
computed, on all cores, so that other work on the machine changes them little. The size is that of the program without symbols.
`--rounds N` builds each N times, and the best counts.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = ["closures", "memory", "any"]


def cargo(profile, program):
    command = ["cargo", "build", "--quiet", "--locked", "--package", "dk-compile-cost", "--bin", f"cost-{program}"]
    flags = [] if profile == "debug" else ["--release"]
    # What an incremental build saves depends on the one before it.
    subprocess.run(command + flags, cwd=HERE, check=True, env={**os.environ, "CARGO_INCREMENTAL": "0"})


def computed():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def built(profile, program):
    """Seconds of one build of the program alone."""
    os.utime(HERE / "src" / "bin" / f"{program}.rs")
    before = computed()
    cargo(profile, program)
    return computed() - before


def size(profile, program):
    metadata = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    target = subprocess.run(metadata, cwd=HERE, check=True, capture_output=True, text=True).stdout
    target = Path(target.split('"target_directory":"')[1].split('"')[0])
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, target / profile / f"cost-{program}"], check=True)
        return os.stat(stripped.name).st_size


def main():
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 1
    print(f"{'':<20} {'seconds':>9} {'ratio':>7} {'KiB':>9} {'ratio':>7}")
    for profile in ["debug", "release"]:
        cargo(profile, PROGRAMS[0])
        for program in PROGRAMS[1:]:
            cargo(profile, program)
        rival = None
        for program in PROGRAMS:
            seconds = min(built(profile, program) for _ in range(rounds))
            figures = (seconds, size(profile, program) / 1024)
            rival = rival or figures
            ratios = [figure / other for figure, other in zip(figures, rival)]
            print(f"{profile + ' ' + program:<20} {figures[0]:>9.1f} {ratios[0]:>7.1f} {figures[1]:>9.0f} {ratios[1]:>7.1f}", flush=True)


main()
