"""Tests. Their processes share the cores, so none multiplies matrices on several threads: of small
ones that takes twenty times as long where cores are busy. It is said before NumPy is loaded."""

import os

for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
