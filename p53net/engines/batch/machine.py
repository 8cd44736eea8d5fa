"""From LLVM assembly to machine code of this processor, kept on disk for the next process.

A kept file is only used if it belongs to this user, alone may be written by this user, and is as
it was written. Its name says all that it depends on: the assembly, the processor, LLVM's version.
"""

import ctypes
import hashlib
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from p53net.errors import OutputError
from p53net.files import write_bytes

VERSION = str(llvmlite.__version__)
ALIGNMENT = 64
"""Bytes to which memory that vectors are read from is aligned."""

_LOCK = Lock()
_DIGEST = 32  # bytes of SHA-256 before the code in a kept file
_SPEED = 2  # LLVM's level of optimisation


@dataclass(frozen=True)
class Processor:
    """What code is made for: name, features, and doubles in a vector."""

    name: str
    features: str
    lanes: int


def processor() -> Processor:
    """This one."""
    features = llvm.get_host_cpu_features()
    wide = 8 if features.get("avx512f") else 4 if features.get("avx2") else 2
    return Processor(llvm.get_host_cpu_name(), features.flatten(), wide)


@dataclass(frozen=True)
class Machine:
    """Functions in memory, which live as long as this does. They hold no GIL."""

    functions: dict[str, Any]
    _engine: Any = field(repr=False)


def compiled(assembly: str, names: Sequence[str], target: Processor) -> Machine:
    """Compile functions of two pointers, or read what was compiled before."""
    with _LOCK:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        made = llvm.Target.from_default_triple().create_target_machine(
            cpu=target.name,
            features=target.features,
            opt=_SPEED,
            reloc="pic",
            codemodel="jitdefault",
        )
        key = "\0".join([assembly, target.name, target.features, VERSION, sys.platform])
        path = folder() / f"{hashlib.sha256(key.encode()).hexdigest()}.o"
        code = kept(path)
        if code is None:
            module = llvm.parse_assembly(assembly)
            module.verify()
            tuning = llvm.create_pipeline_tuning_options(speed_level=_SPEED)
            tuning.loop_vectorization = tuning.slp_vectorization = False  # vectors are there
            passes = llvm.create_pass_builder(made, tuning)
            passes.getModulePassManager().run(module, passes)
            code = made.emit_object(module)
            keep(path, code)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), made)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    return Machine({name: call(engine.get_function_address(name)) for name in names}, engine)


def folder() -> Path:
    """Where compiled code is kept: `P53NET_CACHE`, or the user's cache folder."""
    if chosen := os.environ.get("P53NET_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()), "p53net", "cache")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "p53net"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "p53net"


def memory(doubles: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Zeros, aligned for vectors."""
    spare = ALIGNMENT // 8
    room = np.zeros(doubles + spare)
    return room[-room.ctypes.data % ALIGNMENT // 8 :][:doubles]


def kept(path: Path) -> bytes | None:
    """Code from disk, if it is there, whole, and nobody else's."""
    try:
        about = path.stat()
        if hasattr(os, "getuid"):
            others = stat.S_IWGRP | stat.S_IWOTH
            above = path.parent.stat()
            if any(one.st_uid != os.getuid() or one.st_mode & others for one in (about, above)):
                return None
        text = path.read_bytes()
    except OSError:
        return None
    digest, code = text[:_DIGEST], text[_DIGEST:]
    return code if hashlib.sha256(code).digest() == digest else None


def keep(path: Path, code: bytes) -> None:
    """Write code for the next process; where that cannot be done, it will compile again."""
    with suppress(OSError, OutputError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, hashlib.sha256(code).digest() + code)
