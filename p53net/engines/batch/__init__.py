"""Many parameter sets at once, by code that is generated from the model's SBML."""

from p53net.engines.batch.engine import BatchEngine as BatchEngine
from p53net.engines.batch.outputs import Stops as Stops
