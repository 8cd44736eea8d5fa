"""What the probability of a claim is: a number that knows how sure it is, and where it holds."""

import pandas as pd

from p53net.notebook.cards import Table, card


class Probability(float):
    """The share of draws in which a claim holds: a float that knows how sure it is.

    p = ensemble.probability('MDM2_total_fold["KT-253"] < 1')
    float(p), p.error, p.draws, p.undefined, p.structures, str(p)
    """

    claim: str
    error: float
    """Monte-Carlo standard error, of draws taken as independent."""
    draws: int
    """Draws in which the claim is defined."""
    undefined: dict[str, int]
    """Draws in which it is not, by reason."""
    structures: pd.DataFrame
    """A row for each structure: `structure`, `share` of its draws in which the claim holds, its
    `error`, `draws`, `undefined`, and whether it `holds` (in more than half)."""

    @property
    def holds_in(self) -> int:
        """Structures in which it holds in more than half of the draws."""
        return int(self.structures["holds"].sum())

    @property
    def of(self) -> int:
        """Structures in which it is defined."""
        return int((self.structures["draws"] > 0).sum())

    def __str__(self) -> str:
        lost = sum(self.undefined.values())
        rest = f", {lost} without" if lost else ""
        return (
            f"{float(self):.3g} ± {self.error:.2g} (in {self.holds_in} of {self.of} structures; "
            f"{self.draws} draws{rest})"
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lost = [f"{reason} ({count})" for reason, count in self.undefined.items()]
        rows = [tuple(row) for row in self.structures.itertuples(index=False)]
        by = Table("by structure", list(self.structures.columns), rows)
        return card(str(self), {"claim": self.claim, "undefined": "; ".join(lost)}, [by])

    def __reduce__(self) -> tuple[object, ...]:
        return made, (float(self), vars(self))


def made(value: float, about: dict[str, object]) -> Probability:
    """A probability with all that it knows, by name."""
    found = Probability(value)
    vars(found).update(about)
    return found
