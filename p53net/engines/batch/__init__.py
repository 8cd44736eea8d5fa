"""Our own engine: many parameter sets of a model at once, as machine code in vectors."""

from p53net.engines.batch.engine import Batch as Batch
