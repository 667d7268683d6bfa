# SPDX-License-Identifier: MIT
"""Images changed record by record (tests/mutate.py): what verify takes every reader shows, what it refuses every reader
refuses with a FormatError; nothing else is raised, nothing crashes and nothing goes on for ever."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from pathlib import Path

import crfd
from tests.images import assemble
from tests.mutate import MENDS, cut, mend, mutant, parse, seeds

STRESS = os.environ.get("CRFD_STRESS") == "1"
SECONDS = 60 if STRESS else 4
ROOT = Path(__file__).parents[2]


def test_readers_agree_about_mutants() -> None:
    """The mutants are read in a process of its own, whose last line says which mutant it was that crashed or never ended."""
    first = random.randrange(1 << 40) if STRESS else 0
    run = subprocess.run(
        [sys.executable, "-m", "tests.readers", "--seconds", str(SECONDS), "--first", str(first)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS + 200,
        check=False,
    )
    lines = run.stdout.splitlines()
    assert run.returncode == 0, f"mutant {lines[-1:]}, python -m tests.readers --only says it again: {run.stderr}"
    _, refused, _, taken = lines[-1].split()
    assert int(refused) > SECONDS
    assert int(taken) > SECONDS


def test_what_is_cut_and_mended_is_an_image() -> None:
    """Cutting and mending alone leave an image, so that it is the change that a mutant is refused for."""
    for number in range(40):
        rng = random.Random(number)
        records = cut(rng, parse(rng.choice(seeds())))
        mend(records, frozenset(MENDS))
        crfd.verify(io.BytesIO(assemble(records)))


def test_a_mutant_has_a_number() -> None:
    assert mutant(4711) == mutant(4711) != mutant(4712)
