"""Priors, as others import them: the table, those of a structure, the space that they span."""

from p53net.inference.prior import NO_INFORMATION as NO_INFORMATION
from p53net.inference.prior import Prior as Prior
from p53net.inference.prior_table import COLUMNS as COLUMNS
from p53net.inference.prior_table import for_structure as for_structure
from p53net.inference.prior_table import priors as priors
from p53net.inference.space import Space as Space
