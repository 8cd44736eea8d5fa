"""Engines turn a model's SBML into trajectories. RoadRunner is the reference."""

from p53net.engines.roadrunner import RoadRunnerEngine as RoadRunnerEngine
from p53net.engines.roadrunner import Segment as Segment
from p53net.engines.roadrunner import Tolerances as Tolerances
