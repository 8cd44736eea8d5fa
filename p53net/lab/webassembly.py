"""From the batch engine's LLVM text to WebAssembly, by the compiler that the engine itself uses.

The text is that of the engine for two lanes: the vectors of WebAssembly hold two doubles.
"""

import hashlib

import llvmlite.binding as llvm

from p53net.engines.batch.driver import Driver
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.machine import VERSION, folder, keep, kept
from p53net.engines.batch.special import FormulaCode
from p53net.engines.batch.steady import Rest
from p53net.lab.linking import linked
from p53net.model.rates import System

LANES = 2
"""Doubles in a vector of WebAssembly."""

FUNCTIONS = ("integrate", "rest")

_TRIPLE = "wasm32-unknown-unknown"
_FEATURES = "+simd128"
_SPEED = 2  # LLVM's level of optimisation, as in the engine
_WIDTHS = '"min-legal-vector-width"="512" "prefer-vector-width"="512" '
"""Attributes for processors with AVX-512, of which WebAssembly knows nothing."""


def kernel_and_text(system: System) -> tuple[Kernel, str]:
    """The engine's kernel of a system, with every parameter free, and its LLVM text."""
    code = FormulaCode(LANES)
    kernel = Kernel(code, system, {})
    kernel.write()
    Driver(code, kernel).write()
    Rest(code, kernel).write()
    return kernel, str(code)


def compiled(text: str) -> bytes:
    """The module of an LLVM text; what was compiled before is read from the engine's cache."""
    key = "\0".join([text, _TRIPLE, _FEATURES, VERSION])
    path = folder() / f"{hashlib.sha256(key.encode()).hexdigest()}.wasm"
    code = kept(path)
    if code is None:
        code = linked(_object(text), FUNCTIONS)
        keep(path, code)
    return code


def _object(text: str) -> bytes:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    made = llvm.Target.from_triple(_TRIPLE).create_target_machine(opt=_SPEED, features=_FEATURES)
    module = llvm.parse_assembly(f'target triple = "{_TRIPLE}"\n{text.replace(_WIDTHS, "")}')
    module.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=_SPEED)
    tuning.loop_vectorization = tuning.slp_vectorization = False  # vectors are there
    passes = llvm.create_pass_builder(made, tuning)
    passes.getModulePassManager().run(module, passes)
    return bytes(made.emit_object(module))
