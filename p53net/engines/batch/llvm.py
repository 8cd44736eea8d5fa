"""LLVM assembly, written by ordinary Python arithmetic on values that stand for vectors.

Each lane of a vector belongs to another parameter set. `contract` (a multiplication and an addition
may become one instruction) is the only freedom that LLVM is given, so lanes never influence each
other, and NaN stays NaN.
"""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, Union

Operand: TypeAlias = Union["Value", float, int]

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_TO_INTEGER = 1.5 * 2.0**52
"""Added to a number, leaves it rounded to a whole one in the lowest bits."""
_LOG = (  # of fdlibm's e_log.c
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
)  # fmt: skip
_EXP = tuple(1.0 / math.factorial(n) for n in range(14))
_TINY = 2.2250738585072014e-308


@dataclass(frozen=True, eq=False)
class Value:
    """A value of generated code: `double`, `i64`, `i1`, `ptr`, or a vector of one of them."""

    code: "Code"
    name: str
    type: str

    @property
    def kind(self) -> str:
        """Type of one lane."""
        return self.type.rpartition(" x ")[2].rstrip(">")

    def _binary(self, other: Operand, of_floats: str, of_integers: str) -> "Value":
        operation = of_floats if self.kind == "double" else of_integers
        return self.code.binary(operation, self, self.code.like(self, other))

    def __add__(self, other: Operand) -> "Value":
        return self._binary(other, "fadd contract", "add")

    def __sub__(self, other: Operand) -> "Value":
        return self._binary(other, "fsub contract", "sub")

    def __mul__(self, other: Operand) -> "Value":
        return self._binary(other, "fmul contract", "mul")

    def __truediv__(self, other: Operand) -> "Value":
        return self._binary(other, "fdiv", "sdiv")

    def __and__(self, other: Operand) -> "Value":
        return self._binary(other, "", "and")

    def __or__(self, other: Operand) -> "Value":
        return self._binary(other, "", "or")

    def __lshift__(self, bits: int) -> "Value":
        return self._binary(bits, "", "shl")

    def __rshift__(self, bits: int) -> "Value":
        return self._binary(bits, "", "lshr")

    def __lt__(self, other: Operand) -> "Value":
        return self.code.compare("olt", "slt", self, other)

    def __le__(self, other: Operand) -> "Value":
        return self.code.compare("ole", "sle", self, other)

    def __gt__(self, other: Operand) -> "Value":
        return self.code.compare("ogt", "sgt", self, other)

    def same(self, other: Operand) -> "Value":
        """Whether it equals another value; NaN equals nothing."""
        return self.code.compare("oeq", "eq", self, other)

    def inverted(self) -> "Value":
        """The opposite of a truth value."""
        return self.code.binary("xor", self, self.code.like(self, -1))


class Code:
    """The text of one module, and arithmetic that adds to it."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vector = f"<{lanes} x double>"
        self._lines: list[str] = []
        self._declared: set[str] = set()
        self._number = 0

    def __str__(self) -> str:
        return "\n".join([*self._lines, *sorted(self._declared)]) + "\n"

    # --- functions, memory and control

    @contextmanager
    def function(self, name: str, arguments: int, *, public: bool = False) -> Iterator[list[Value]]:
        """A function of pointers."""
        values = [Value(self, f"%a{i}", "ptr") for i in range(arguments)]
        listed = ", ".join(f"ptr noalias {value.name}" for value in values)
        linkage = "" if public else "internal "
        # AVX-512 processors are otherwise given vectors of half the width.
        self._write(f'define {linkage}void @{name}({listed}) "min-legal-vector-width"="512" '
                    f'"prefer-vector-width"="512" noinline nounwind {{')  # fmt: skip
        self._write("entry:")
        yield values
        self._write("  ret void\n}\n")

    def call(self, name: str, *arguments: Value) -> None:
        """Call a function of this module."""
        self._write(f"  call void @{name}({', '.join(f'ptr {a.name}' for a in arguments)})")

    def place(self, pointer: Value, index: Operand, kind: str = "") -> Value:
        """The address of an element, which is a vector of doubles unless said otherwise."""
        where = self.number("i64", index)
        kind = kind or self.vector
        return self._new("ptr", f"getelementptr {kind}, ptr {pointer.name}, i64 {where.name}")

    def load(self, pointer: Value, index: Operand = 0, kind: str = "") -> Value:
        """Read an element."""
        kind = kind or self.vector
        address = self.place(pointer, index, kind)
        return self._new(kind, f"load {kind}, ptr {address.name}, align {self._align(kind)}")

    def store(self, value: Value, pointer: Value, index: Operand = 0) -> None:
        """Write an element."""
        address = self.place(pointer, index, value.type)
        align = self._align(value.type)
        self._write(f"  store {value.type} {value.name}, ptr {address.name}, align {align}")

    def load_row(self, pointer: Value, index: Operand) -> Value:
        """A vector of doubles that follow each other from any place on."""
        address = self.place(pointer, index, "double")
        return self._new(self.vector, f"load {self.vector}, ptr {address.name}, align 8")

    def store_row(self, value: Value, pointer: Value, index: Operand) -> None:
        """Write a vector of doubles one after the other from any place on."""
        address = self.place(pointer, index, "double")
        self._write(f"  store {value.type} {value.name}, ptr {address.name}, align 8")

    @contextmanager
    def loop(self, count: Operand) -> Iterator[Value]:
        """Repeat for 0, 1, ... below `count`."""
        counter = self.variable("i64", 0)
        with self.repeat() as leave:
            index = self.load(counter, 0, "i64")
            leave((index < self.number("i64", count)).inverted())
            yield index
            self.store(index + 1, counter)

    @contextmanager
    def repeat(self) -> "Iterator[_Leave]":
        """Repeat until left."""
        again, after = self._label(), self._label()
        self._write(f"  br label %{again}\n{again}:")
        yield _Leave(self, after)
        self._write(f"  br label %{again}\n{after}:")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Only if a truth value holds."""
        inside, after = self._label(), self._label()
        self._write(f"  br i1 {condition.name}, label %{inside}, label %{after}\n{inside}:")
        yield
        self._write(f"  br label %{after}\n{after}:")

    def leave(self, condition: Value, after: str) -> None:
        """Jump if a truth value holds."""
        on = self._label()
        self._write(f"  br i1 {condition.name}, label %{after}, label %{on}\n{on}:")

    def variable(self, kind: str, value: Operand) -> Value:
        """Memory for one element, written at once."""
        made = f"%v{self._next()}"
        # Beside the entry, so that a loop does not take new memory each time.
        start = max(i for i, line in enumerate(self._lines) if line == "entry:")
        self._lines.insert(start + 1, f"  {made} = alloca {kind}, align {self._align(kind)}")
        pointer = Value(self, made, "ptr")
        self.store(self.number(kind, value), pointer)
        return pointer

    # --- arithmetic

    def constant(self, value: float) -> Value:
        """A number in every lane."""
        return Value(self, f"splat (double {_exactly(value)})", self.vector)

    def like(self, example: Value, value: Operand) -> Value:
        """A number as a value of the type of another."""
        return value if isinstance(value, Value) else self.number(example.type, value)

    def binary(self, operation: str, left: Value, right: Value) -> Value:
        """An instruction with two operands of one type."""
        return self._new(left.type, f"{operation} {left.type} {left.name}, {right.name}")

    def compare(self, of_floats: str, of_integers: str, left: Value, right: Operand) -> Value:
        """Truth values."""
        how = f"fcmp {of_floats}" if left.kind == "double" else f"icmp {of_integers}"
        other = self.like(left, right)
        return self._new(self._typed(left, "i1"), f"{how} {left.type} {left.name}, {other.name}")

    def select(self, condition: Value, yes: Operand, no: Operand) -> Value:
        """Of two values, by a truth value, in every lane."""
        example = next((v for v in (yes, no) if isinstance(v, Value)), self.constant(0.0))
        a, b = self.like(example, yes), self.like(example, no)
        return self._new(
            a.type,
            f"select {condition.type} {condition.name}, {a.type} {a.name}, {b.type} {b.name}",
        )

    def bits(self, value: Value) -> Value:
        """A double's bits as an integer."""
        kind = self._typed(value, "i64")
        return self._new(kind, f"bitcast {value.type} {value.name} to {kind}")

    def double(self, value: Value) -> Value:
        """The double that has these bits."""
        kind = self._typed(value, "double")
        return self._new(kind, f"bitcast {value.type} {value.name} to {kind}")

    def absolute(self, value: Value) -> Value:
        """Without its sign."""
        return self.double(self.bits(value) & 0x7FFFFFFFFFFFFFFF)

    def larger(self, left: Value, right: Operand) -> Value:
        """The larger of two; the right one where one is NaN."""
        return self.select(left > right, left, right)

    def smaller(self, left: Value, right: Operand) -> Value:
        """The smaller of two; the right one where one is NaN."""
        return self.select(left < right, left, right)

    def any(self, mask: Value) -> Value:
        """Whether a lane's truth value holds."""
        word = f"i{self.lanes}"
        packed = self._new(word, f"bitcast {mask.type} {mask.name} to {word}")
        return self._new("i1", f"icmp ne {word} {packed.name}, 0")

    def count(self, mask: Value) -> Value:
        """In how many lanes a truth value holds."""
        word = f"i{self.lanes}"
        packed = self._new(word, f"bitcast {mask.type} {mask.name} to {word}")
        name = f"@llvm.ctpop.{word}"
        self._declared.add(f"declare {word} {name}({word})")
        counted = self._new(word, f"call {word} {name}({word} {packed.name})")
        return self._new("i64", f"zext {word} {counted.name} to i64")

    def spread(self, value: Value) -> Value:
        """One value in every lane."""
        kind = f"<{self.lanes} x {value.type}>"
        first = self._new(kind, f"insertelement {kind} poison, {value.type} {value.name}, i64 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self._new(kind, f"shufflevector {kind} {first.name}, {kind} poison, {zeros}")

    def across(self, which: str, x: Value) -> Value:
        """The largest (`fmax`) or smallest (`fmin`) of all lanes, in every lane; NaN is none."""
        name = f"@llvm.vector.reduce.{which}.v{self.lanes}f64"
        self._declared.add(f"declare double {name}({self.vector})")
        return self.spread(self._new("double", f"call double {name}({self.vector} {x.name})"))

    def square_root(self, x: Value) -> Value:
        """The square root."""
        name = f"@llvm.sqrt.v{self.lanes}f64"
        self._declared.add(f"declare {self.vector} {name}({self.vector})")
        return self._new(self.vector, f"call {self.vector} {name}({x.type} {x.name})")

    # --- functions that formulas use, by polynomials: a library's would be called lane by lane

    def exp(self, x: Value) -> Value:
        """e to the x: 2^k e^r with |r| < 0.35. Below 1e-308 it is 0."""
        shifted = x * (1.0 / math.log(2.0)) + _TO_INTEGER
        k = shifted - _TO_INTEGER
        r = (x - k * _LN2_HIGH) - k * _LN2_LOW
        total = self.constant(_EXP[-1])
        for coefficient in _EXP[-2::-1]:
            total = total * r + coefficient
        scaled = self.double(self.bits(total) + (self.bits(shifted) << 52))
        bounded = self.select(x < -708.0, 0.0, scaled)
        return self.select(x > 709.0, math.inf, self._unless_nan(x, bounded))

    def ln(self, x: Value) -> Value:
        """Natural logarithm: x = 2^k (1 + f) with 1 + f from 0.7 to 1.4."""
        small = x < _TINY
        bits = self.bits(self.select(small, x * 2.0**54, x))
        m = self.double(bits & 0x000FFFFFFFFFFFFF | 0x3FF0000000000000)
        k = self.double(bits >> 52 | 0x4330000000000000) - (2.0**52 + 1023.0)
        k = self.select(small, k - 54.0, k)
        high = m > math.sqrt(2.0)
        f = self.select(high, m * 0.5, m) - 1.0
        k = self.select(high, k + 1.0, k)
        s = f / (f + 2.0)
        z = s * s
        total = self.constant(_LOG[-1])
        for coefficient in _LOG[-2::-1]:
            total = total * z + coefficient
        half = f * f * 0.5
        corrected = s * (half + z * total) + k * _LN2_LOW
        found = k * _LN2_HIGH - ((half - corrected) - f)
        found = self.select(x < math.inf, found, x)  # infinity, NaN
        return self.select(x > 0.0, found, self.select(x.same(0.0), -math.inf, math.nan))

    def power(self, x: Value, n: Value) -> Value:
        """x to the n; of a negative x for a whole n only. 0 counts as the least number."""
        size = self.exp(n * self.ln(self.larger(self.absolute(x), _TINY)))
        size = self._unless_nan(x, size)
        odd = self._whole(n * 0.5).inverted()
        below = self.select(self._whole(n), self.select(odd, size * -1.0, size), math.nan)
        return self.select(x < 0.0, below, size)

    def _unless_nan(self, x: Value, value: Value) -> Value:
        return self.select(x.same(x), value, x)

    def _whole(self, x: Value) -> Value:
        return ((x + _TO_INTEGER) - _TO_INTEGER).same(x)

    # --- text

    def number(self, kind: str, value: Operand) -> Value:
        """A number of any type."""
        if isinstance(value, Value):
            return value
        lane = kind.rpartition(" x ")[2].rstrip(">")
        number = _exactly(value) if lane == "double" else str(int(value))
        if lane == "i1":
            number = "true" if value else "false"
        return Value(self, f"splat ({lane} {number})" if kind != lane else number, kind)

    def _typed(self, example: Value, lane: str) -> str:
        return f"<{self.lanes} x {lane}>" if example.type.startswith("<") else lane

    def _align(self, kind: str) -> int:
        return 8 * self.lanes if kind.startswith("<") else 8

    def _new(self, kind: str, text: str) -> Value:
        value = Value(self, f"%x{self._next()}", kind)
        self._write(f"  {value.name} = {text}")
        return value

    def _label(self) -> str:
        return f"l{self._next()}"

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _write(self, line: str) -> None:
        self._lines.append(line)


@dataclass(frozen=True)
class _Leave:
    """Leaves a loop if a truth value holds."""

    code: Code
    after: str

    def __call__(self, condition: Value) -> None:
        self.code.leave(condition, self.after)


def _exactly(value: float) -> str:
    """A double as LLVM reads it bit by bit."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', float(value)))[0]:016X}"
