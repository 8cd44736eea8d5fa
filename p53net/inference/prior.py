"""A prior: what is thought of one parameter before any evidence, as a distribution with a reason.

Every distribution is a normal curve seen through a scale: the logarithm, the logit or none. A
log-uniform one is a normal curve seen through its own distribution function.
"""

import math
from dataclasses import dataclass, replace

from scipy.special import ndtri

LOG_NORMAL, LOG_UNIFORM = "log-normal", "log-uniform"
LOGIT_NORMAL, NORMAL, FIXED = "logit-normal", "normal", "fixed"

DISTRIBUTIONS = {
    LOG_NORMAL: "centre is the median; 95 % lie between centre/spread and centre*spread",
    LOG_UNIFORM: "all decades between low and high alike",
    LOGIT_NORMAL: "for shares: centre is the median, spread the standard deviation of the logit",
    NORMAL: "centre is the mean, spread the standard deviation",
    FIXED: "does not vary: a definition, a scale, an input of a protocol",
}
"""What `distribution` may be, and what the other columns are then."""

NO_INFORMATION = "a factor of three, no information"
"""What the reason begins with where nothing is known: priors that can be varied as one group."""

FRACTIONS = ("fu_medium_", "fu_plasma_", "residual", "activity_alone", "renewal_")
"""Beginnings of parameters that are shares of a whole, which no prior takes beyond 1."""

HALF_95 = float(ndtri(0.975))
"""Standard deviations between the middle of a normal curve and the end of its middle 95 %."""


@dataclass(frozen=True)
class Prior:
    """A row of the table of priors."""

    entry: str
    """A drug, a cell line, a `drug in host`, or `model` for the model texts."""
    parameter: str
    distribution: str
    centre: float
    spread: float
    low: float
    high: float
    """Bounds; of log-uniform, the ends. -inf and inf where there are none."""
    unit: str
    with_: str
    """Name of the prior that this one goes with; empty if it stands alone."""
    correlation: float
    """Of the normal curves behind the two."""
    reason: str
    source: str

    @property
    def name(self) -> str:
        """`ENTRY: PARAMETER`."""
        return f"{self.entry}: {self.parameter}"

    @property
    def fixed(self) -> bool:
        """Whether it does not vary."""
        return self.distribution == FIXED

    @property
    def uninformed(self) -> bool:
        """Whether its width says no more than that nothing is known."""
        return self.reason.startswith(NO_INFORMATION)

    @property
    def deviation(self) -> float:
        """Standard deviation on its scale: of the logarithm, the logit or the value itself."""
        return math.log(self.spread) / HALF_95 if self.distribution == LOG_NORMAL else self.spread

    def widened(self, factor: float) -> "Prior":
        """The same, so many times as wide on its scale. Bounds that cut it stay; log-uniform is
        widened about its geometric middle, and shares not beyond 1."""
        if self.distribution == LOG_NORMAL:
            return replace(self, spread=self.spread**factor)
        if self.distribution == LOG_UNIFORM:
            middle, half = math.sqrt(self.low * self.high), (self.high / self.low) ** (factor / 2)
            high = middle * half
            if self.parameter.startswith(FRACTIONS):
                high = min(high, 1.0)
            return replace(self, low=middle / half, high=high)
        return replace(self, spread=self.spread * factor)
