"""What two drugs do together beside what each does alone: four references, and isoboles.

An effect is a share, 0 without drug and 1 at most. Doses and effects are those of the median-effect
plot of Chou and Talalay [Adv Enzyme Regul 22:27 (1984)], the logarithm of the dose and the logit of
the effect, where a Hill curve is straight. Between doses that were looked at, curves rise there as
piecewise cubics do that keep to their points, so that a Hill curve is met exactly.
"""

from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray

_LEAST = 1e-6  # an effect: less, or as near to 1, tells nothing of the dose
_RISES = 1e-9  # relative, and more: less may be rounding
_HALVINGS = 100
_WITHIN = 16  # points of a curve for each that was looked at


class Alone(NamedTuple):
    """Doses of one drug and what they do: both rise."""

    doses: FloatArray
    """Logarithms [ln nM]."""
    effects: FloatArray
    """Logits."""

    @property
    def most(self) -> float:
        """The logit of the largest effect that a dose was seen to have."""
        return float(self.effects[-1]) if len(self.effects) else -np.inf

    def dose(self, effect: FloatArray) -> FloatArray:
        """The lowest dose [nM] with an effect; infinite above the largest that any has."""
        wanted = logit(effect)
        if len(self.doses) < 2:
            return np.full(np.shape(wanted), np.inf)
        slope = (self.doses[1] - self.doses[0]) / (self.effects[1] - self.effects[0])
        below = self.doses[0] + slope * (wanted - self.effects[0])
        inside = np.interp(wanted, self.effects, self.doses)
        found = np.exp(np.where(wanted < self.effects[0], below, inside))
        return np.where(wanted > self.most, np.inf, found)


def logit(effect: FloatArray) -> FloatArray:
    """ln(effect/(1 - effect)), of effects that tell something of the dose."""
    inside = np.clip(effect, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def alone(doses: FloatArray, effects: FloatArray) -> Alone:
    """The curve of one drug, of doses [nM] that rise from above 0. Where an effect falls again, as
    behind a hook, only the part that rises counts."""
    highest = np.maximum.accumulate(effects)
    before = np.maximum(np.concatenate([[_LEAST], highest[:-1]]), _LEAST)
    new = (highest > before * (1.0 + _RISES)) & (highest < 1.0 - _LEAST)
    top = np.flatnonzero(highest >= 1.0 - _LEAST)
    if len(top):  # the first dose with all of the effect
        new[top[0]] = True
    return _refined(np.log(doses[new]), logit(highest[new]))


def _refined(doses: FloatArray, effects: FloatArray) -> Alone:
    """A curve with points between its points, from which it is read by straight lines."""
    if len(doses) < 3:
        return Alone(doses, effects)
    from scipy.interpolate import PchipInterpolator

    places = np.arange(len(doses))
    fine = np.interp(np.linspace(0, places[-1], _WITHIN * places[-1] + 1), places, doses)
    return Alone(fine, np.maximum.accumulate(PchipInterpolator(doses, effects)(fine)))


def bliss(one: FloatArray, other: FloatArray) -> FloatArray:
    """The effect of both, where each spares its share of what the other leaves [Bliss, Ann Appl
    Biol 26:585 (1939)]."""
    return one + other - one * other


def highest_alone(one: FloatArray, other: FloatArray) -> FloatArray:
    """The effect of the better of two drugs: what a combination has to beat (HSA)."""
    return np.maximum(one, other)


def loewe(dose: FloatArray, other_dose: FloatArray, one: Alone, other: Alone) -> FloatArray:
    """The effect of both, where each is as good as a dilution of the other: the root of
    a/A(E) + b/B(E) = 1 [Loewe, Arzneim Forsch 3:285 (1953)]. A drug counts for nothing above the
    largest effect that it has alone."""
    low = np.full(np.broadcast_shapes(dose.shape, other_dose.shape), _LEAST)
    low = logit(low)
    high = np.full_like(low, max(one.most, other.most, low.flat[0]))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        effect = 1.0 / (1.0 + np.exp(-middle))
        enough = _sum(dose, other_dose, one.dose(effect), other.dose(effect)) >= 1.0
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    found = 1.0 / (1.0 + np.exp(-low))
    return np.where((dose == 0.0) & (other_dose == 0.0), 0.0, found)


def combination_index(
    dose: FloatArray, other_dose: FloatArray, effect: FloatArray, one: Alone, other: Alone
) -> FloatArray:
    """a/A(E) + b/B(E) at the effect that both have: below 1 less drug is needed than of either
    alone [Chou and Talalay 1984]. NaN where one drug alone never has that effect, or none is seen,
    or has it at a dose that is too small for a number: below a foot that is all but flat.
    """
    alone_doses, other_doses = one.dose(effect), other.dose(effect)
    known = np.isfinite(alone_doses) & np.isfinite(other_doses)
    known &= (alone_doses > 0.0) & (other_doses > 0.0)
    known &= (effect > _LEAST) & (effect < 1.0 - _LEAST)
    return np.where(known, _sum(dose, other_dose, alone_doses, other_doses), np.nan)


def first_dose(doses: FloatArray, effects: FloatArray, wanted: float) -> float:
    """The lowest dose [nM] with an effect, of doses that rise from 0; NaN where none has it."""
    reached = np.flatnonzero(effects >= wanted)
    if not len(reached):
        return float("nan")
    after = int(reached[0])
    if after == 0:
        return float(doses[0])
    low, high = logit(effects[after - 1 : after + 1])
    share = (logit(np.array(wanted)) - low) / (high - low)
    before, behind = doses[after - 1], doses[after]
    if before == 0.0:
        return float(share * behind)
    return float(before * (behind / before) ** share)


def _sum(
    dose: FloatArray, other_dose: FloatArray, alone_dose: FloatArray, other_alone: FloatArray
) -> FloatArray:
    return _part(dose, alone_dose) + _part(other_dose, other_alone)


def _part(dose: FloatArray, alone_dose: FloatArray) -> FloatArray:
    """Of a dose alone, which may be 0 where it is too small for a number. What is not given is no
    part of it."""
    doses, whole = np.broadcast_arrays(dose, alone_dose)
    found = np.where(doses > 0.0, np.inf, 0.0)
    return np.asarray(np.divide(doses, whole, out=found, where=whole != 0.0))
