"""Sweeps: design (which points) -> plan (how a point becomes a row) -> rows -> store -> result."""

from p53net.sweeps.design import Distribution as Distribution
from p53net.sweeps.design import log_uniform as log_uniform
from p53net.sweeps.design import uniform as uniform
from p53net.sweeps.measure import Measure as Measure
from p53net.sweeps.measure import at as at
from p53net.sweeps.measure import auc as auc
from p53net.sweeps.measure import fold as fold
from p53net.sweeps.measure import measure as measure
from p53net.sweeps.measure import peak as peak
from p53net.sweeps.result import read_sweep as read_sweep
from p53net.sweeps.sensitivity import sobol_indices as sobol_indices
from p53net.sweeps.sensitivity import tornado as tornado
from p53net.sweeps.sweep import Progress as Progress
from p53net.sweeps.sweep import sweep as sweep
