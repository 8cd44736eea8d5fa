"""A posterior in the field's own form: ArviZ InferenceData, a file for each structure."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from p53net.files import write_bytes
from p53net.inference.likelihood import family
from p53net.inference.posterior import Posterior
from p53net.inference.priors import Space, for_structure

if TYPE_CHECKING:
    import arviz


def inference_data(posterior: Posterior, structure: str) -> "arviz.InferenceData":
    """Draws of one structure, a chain for each run: `posterior` by `ENTRY: PARAMETER`,
    `log_likelihood` by row of the ledger, `sample_stats` with `lp`, `observed_data` and
    `posterior_predictive`, which here is what is predicted, without noise.

    The draws of a chain are all particles, one kept draw after the other. Raises
    UnknownNameError for a structure that was not sampled.
    """
    import arviz

    runs = posterior.of(structure)
    space = Space(for_structure(structure, tables=posterior.own))
    shape = len(runs), -1
    z = np.array([one.z.reshape(-1, one.z.shape[-1]) for one in runs])
    values = space.values(z.reshape(-1, z.shape[-1])).reshape(*shape, len(space))
    predicted = {name: np.array([one.predicted[name].ravel() for one in runs])
                 for name in posterior.evidence}  # fmt: skip
    log = {name: family(row)(predicted[name].ravel()).reshape(shape)
           for name, row in posterior.evidence.items()}  # fmt: skip
    made: arviz.InferenceData = arviz.from_dict(
        posterior={name: values[..., i] for i, name in enumerate(space.names)},
        log_likelihood=log,
        posterior_predictive=predicted,
        observed_data={name: np.array(row.middle) for name, row in posterior.evidence.items()},
        sample_stats={"lp": np.array([one.log_likelihood.ravel() for one in runs])},
        attrs={"structure": structure, "models": str(posterior.ensemble.about["models"])},
    )
    return made


def save(posterior: Posterior, structure: str, folder: Path) -> Path:
    """Write the draws of a structure as NetCDF, whole or not at all."""
    with TemporaryDirectory() as nowhere:
        file = Path(nowhere) / "posterior.nc"
        inference_data(posterior, structure).to_netcdf(str(file), engine="h5netcdf")
        content = file.read_bytes()
    return write_bytes(folder / f"{structure.replace(' ', '-')}.nc", content)
