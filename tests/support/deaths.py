"""The equations of docs/death.md written by hand: cells and volumes in number, never as shares.

They share nothing with the model text. What drives them, p53, p21 and PUMA over time, comes from
the run that they are compared with.
"""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from tests.support.generated import Array

PARTS = ("p53_active", "p21", "PUMA")
Values = Mapping[str, float]


def hill(x: float, half: float, n: float) -> float:
    return float(x**n / (half**n + x**n))


class Fate:
    """Cells of one structure in a dish or a tumour, from hour 0, when they are untreated."""

    def __init__(self, run: xr.Dataset, p: Values, death: str, *, tumour: bool) -> None:
        times = run["time"].values
        self.times, self.p, self.death, self.tumour = times, p, death, tumour
        self.drive: dict[str, Callable[[float], float]] = {
            name: CubicSpline(times, run[name].values) for name in PARTS
        }
        spread, places = 0.0, (0.0,)
        if death == "spread":
            spread, outer, inner = p["spread_K_PUMA"], p["class_outer"], p["class_inner"]
            places = (-outer, -inner, 0.0, inner, outer)
        self.thresholds = [p["K_PUMA_caspase"] * np.exp(spread * place) for place in places]
        self.size = len(places)

    def solved(self) -> dict[str, Array]:
        """Read-outs over time."""
        start = self._start()
        found = solve_ivp(
            self._rates, (0.0, self.times[-1]), start, "LSODA", self.times, rtol=1e-11, atol=1e-13,
            max_step=1.0,
        )  # fmt: skip
        return self._read(found.y)

    def _caspase_rate(self, c: float, puma: float, threshold: float) -> float:
        p = self.p
        freed = (p["caspase_total"] + p["feedback_caspase"] * c) / p["caspase_total"]
        on = p["k_act_caspase"] * hill(puma, threshold, p["n_PUMA_caspase"]) * freed
        return float(on * (p["caspase_total"] - c) - p["k_deact_caspase"] * c)

    def _iap(self, p53: float) -> float:
        return self.p["IAP_max"] * hill(p53, self.p["K_IAP"], self.p["n_IAP"])

    def _threshold(self, number: int, iap: float) -> float:
        usual = float(self.thresholds[number])
        return usual * (1.0 + iap / self.p["IAP_doubling"]) if self.death == "rising" else usual

    def _divide(self, p21: float) -> float:
        return 1.0 - hill(p21, self.p["K_arrest"], self.p["n_arrest"])

    def _start(self) -> Array:
        p, zero = self.p, {name: float(f(0.0)) for name, f in self.drive.items()}
        iap = self._iap(zero["p53_active"]) if self.death == "rising" else 0.0
        self.caspase0 = np.array(
            [
                brentq(
                    self._caspase_rate, 0.0, p["caspase_total"], xtol=1e-14, rtol=1e-14,
                    args=(zero["PUMA"], self._threshold(i, iap)),
                )
                for i in range(self.size)
            ]
        )  # fmt: skip
        self.death0 = p["k_death"] * self.caspase0 / p["caspase_total"]
        self.divide0 = self._divide(zero["p21"])
        all_ = p["tumour_start"] if self.tumour else 1.0
        mutant = all_ * p.get("share_mutant_start", 0.0)
        wild = np.full(self.size, (all_ - mutant) / self.size)
        stages = np.full(3, self.caspase0[0])
        return np.concatenate([self.caspase0, [iap], stages, wild, [mutant], np.zeros(3)])

    def _split(self, y: Array) -> tuple[Array, ...]:
        n = self.size
        return y[:n], y[n], y[n + 1 : n + 4], y[n + 4 : 2 * n + 4], y[2 * n + 4], y[2 * n + 5 :]

    def _deaths(self, caspase: Array, stages: Array) -> Array:
        dying = stages[2:3] if self.death == "delayed" else caspase
        return self.p["k_death"] * dying / self.p["caspase_total"]

    def _rates(self, t: float, y: Array) -> Array:
        p, now = self.p, {name: float(f(t)) for name, f in self.drive.items()}
        caspase, iap, stages, wild, mutant, gone = self._split(y)
        d_caspase = [
            self._caspase_rate(c, now["PUMA"], self._threshold(i, float(iap)))
            for i, c in enumerate(caspase)
        ]
        d_iap = p["k_deg_IAP"] * (self._iap(now["p53_active"]) - iap) if "IAP_max" in p else 0.0
        before = np.concatenate([caspase[:1], stages[:2]])
        d_stages = (before - stages) / p.get("stage_death", 1.0)
        divide = self._divide(now["p21"]) / self.divide0
        growth = p["k_growth"]
        if self.tumour:
            volume = wild.sum() + mutant + gone.sum()
            linear = p["growth_limit_tumour"]
            growth = p["k_growth_tumour"] * linear / (linear + p["k_growth_tumour"] * volume)
        lost = (self._deaths(caspase, stages) - self.death0) * wild
        mixed = p.get("k_mix_classes", 0.0) * (wild.sum() - self.size * wild)
        d_wild = growth * divide * wild - lost + mixed
        clear = p.get("k_clear_tumour", 0.0)
        d_gone = [
            lost.sum() - clear * gone[0],
            clear * (gone[0] - gone[1]),
            clear * (gone[1] - gone[2]),
        ]
        return np.concatenate([d_caspase, [d_iap], d_stages, d_wild, [growth * mutant], d_gone])

    def _read(self, y: Array) -> dict[str, Array]:
        caspase, iap, stages, wild, mutant, gone = self._split(y)
        shares = wild / wild.sum(axis=0)
        live = wild.sum(axis=0) + mutant
        found = {
            "caspase": (shares * caspase).sum(axis=0),
            "death_rate": (shares * self._deaths(caspase, stages)).sum(axis=0),
            "proliferation": np.array(
                [self._divide(float(x)) for x in self.drive["p21"](self.times)]
            ),
            "tumour_volume" if self.tumour else "live_cells": live + self.tumour * gone.sum(axis=0),
        }
        if self.p.get("share_mutant_start"):
            found["share_mutant"] = mutant / live
        if self.death == "rising":
            found["IAP"] = iap
        if self.death == "spread":
            found |= {f"share_{i + 1}": share for i, share in enumerate(shares)}
        return found
