"""Engines turn a model's SBML into trajectories. RoadRunner is the reference.

An engine's own file imports its compiled library and is imported when a model first runs.
"""

from p53net.engines.runs import FloatArray as FloatArray
from p53net.engines.runs import Segment as Segment
from p53net.engines.runs import Tolerances as Tolerances
