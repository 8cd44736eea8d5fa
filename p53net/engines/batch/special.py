"""Functions of formulas beyond exp, ln and power, in generated code: vectors, and no library.

Polynomials and reductions are those of fdlibm (Sun Microsystems, 1993), with selections in place of
branches.
"""

import math

from p53net.engines.batch.llvm import Code, Value

_PI_HALVES = (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624871116645580e-21)
"""pi/2 in three parts, the first two of 33 bits: multiples up to 2^20 of them are exact."""
_MOST = 2.0**20 * math.pi / 2
"""Beyond this sine and cosine have lost digits, and are no numbers here."""
_SIN = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
_ATAN = (
    3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
    -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
    6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
    -3.65315727442169155270e-02, 1.62858201153657823623e-02,
)  # fmt: skip
_SINH = tuple(1.0 / math.factorial(n) for n in range(3, 20, 2))
_TO_INTEGER = 1.5 * 2.0**52
_FLAT = 22.0  # from here on tanh is 1


class FormulaCode(Code):
    """Code that knows every function of formulas."""

    def sin(self, x: Value) -> Value:
        """Sine, of numbers up to a million and a half."""
        return self._wave(x, 0)

    def cos(self, x: Value) -> Value:
        """Cosine, of numbers up to a million and a half."""
        return self._wave(x, 1)

    def atan(self, x: Value) -> Value:
        """Inverse of the tangent, by the tangent of a sum where the number is above 7/16."""
        size = self.absolute(x)
        ways = (  # from where on, numerator, denominator, what is added
            (7 / 16, size * 2.0 - 1.0, size + 2.0, math.atan(0.5)),
            (11 / 16, size - 1.0, size + 1.0, math.pi / 4),
            (19 / 16, size - 1.5, size * 1.5 + 1.0, math.atan(1.5)),
            (39 / 16, self.constant(-1.0), size, math.pi / 2),
        )
        above, below, more = size, self.constant(1.0), self.constant(0.0)
        for least, top, bottom, angle in ways:
            far = size > least
            above, below = self.select(far, top, above), self.select(far, bottom, below)
            more = self.select(far, angle, more)
        r = above / below
        square = r * r
        found = more + (r - r * square * self._series(square, _ATAN))
        return self.select(x < 0.0, found * -1.0, found)

    def sinh(self, x: Value) -> Value:
        """Hyperbolic sine, by its series below 1."""
        square, grown = x * x, self.exp(x)
        small = x + x * square * self._series(square, _SINH)
        large = (grown - self.constant(1.0) / grown) * 0.5
        return self.select(self.absolute(x) < 1.0, small, large)

    def cosh(self, x: Value) -> Value:
        """Hyperbolic cosine."""
        grown = self.exp(x)
        return (grown + self.constant(1.0) / grown) * 0.5

    def tanh(self, x: Value) -> Value:
        """Hyperbolic tangent."""
        within = self.select(x > _FLAT, _FLAT, self.select(x < -_FLAT, -_FLAT, x))
        return self.sinh(within) / self.cosh(within)

    def floor(self, x: Value) -> Value:
        """The next whole number below."""
        name = f"@llvm.floor.v{self.lanes}f64"
        self._declared.add(f"declare {self.vector} {name}({self.vector})")
        return self._new(self.vector, f"call {self.vector} {name}({x.type} {x.name})")

    def less(self, a: Value, b: Value) -> Value:
        """1 where a is below b, else 0."""
        return self.select(a < b, self.constant(1.0), 0.0)

    def same(self, a: Value, b: Value) -> Value:
        """1 where a equals b, else 0."""
        return self.select(a.same(b), self.constant(1.0), 0.0)

    def choose(self, condition: Value, yes: Value, no: Value) -> Value:
        """`yes` where the condition is true."""
        return self.select(condition > 0.5, yes, no)

    def _wave(self, x: Value, ahead: int) -> Value:
        """The sine of x and so many quarters of a turn."""
        shifted = x * (2.0 / math.pi) + _TO_INTEGER
        k, r = shifted - _TO_INTEGER, x
        for part in _PI_HALVES:
            r = r - k * part
        square = r * r
        sine = r + r * square * self._series(square, _SIN)
        cosine = (square * square * self._series(square, _COS) - square * 0.5) + 1.0
        quarter = self.bits(shifted) + ahead
        found = self.select((quarter & 1).same(1), cosine, sine)
        found = self.select((quarter & 2).same(2), found * -1.0, found)
        return self.select(self.absolute(x) < _MOST, found, math.nan)

    def _series(self, x: Value, coefficients: tuple[float, ...]) -> Value:
        """A polynomial, its first coefficient first."""
        total = self.constant(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = total * x + coefficient
        return total
