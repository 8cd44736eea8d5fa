"""p53net: executable models of MDM2-p53 pharmacology.

`load` a model, `simulate` it, compare drugs with `escape`, `export` SBML. Assays: `viability`,
`degradation`, `caspase`; bodies: `pk`, `xenograft`, `patient`, `schedules`; evidence: `validate`,
`calibrate`. Concentrations are in nM, times in h. Every error derives from `P53NetError`.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from p53net import errors, measures
from p53net.dosing.amounts import convert
from p53net.dosing.events import read_events
from p53net.dosing.medium import Dose, closed_dish, constant, course, pulse
from p53net.dosing.regimens import Regimen, regimen
from p53net.drawing import plot
from p53net.ensembles.draws import Ensemble, ensemble
from p53net.errors import (
    InputError,
    MeasureError,
    MissingPackageError,
    ModelError,
    ModelWarning,
    OutputError,
    P53NetError,
    SimulationError,
    SteadyStateError,
    StoreError,
    TableError,
    UnknownNameError,
    UnsupportedError,
    WorkersError,
)
from p53net.evidence.calibration import calibrate
from p53net.evidence.validation import validate
from p53net.exchange.files import antimony, export
from p53net.linting import lint
from p53net.measures.definition import Measure
from p53net.model import OBSERVABLES
from p53net.model.structures import listed as structures
from p53net.repeating import record, rerun
from p53net.simulation.loading import load, read_sbml
from p53net.simulation.model import Model
from p53net.studies.body.comparison import schedules
from p53net.studies.body.matching import match
from p53net.studies.body.patients import patient
from p53net.studies.body.pharmacokinetics import pk
from p53net.studies.body.rules import hold_rule
from p53net.studies.body.xenografts import xenograft
from p53net.studies.catalogue import study
from p53net.studies.dish.caspase_assay import caspase
from p53net.studies.dish.degradation_assay import degradation
from p53net.studies.dish.synergy_assay import synergy
from p53net.studies.dish.viability_assay import viability
from p53net.studies.escape.study import escape
from p53net.sweeps.design import log_uniform, uniform
from p53net.sweeps.gradients import fisher_information
from p53net.sweeps.reductions import best as best_of
from p53net.sweeps.reductions import histogram as histogram_of
from p53net.sweeps.reductions import quantiles as quantiles_of
from p53net.sweeps.result import read_sweep
from p53net.sweeps.run import Progress, sweep
from p53net.sweeps.sensitivity import sobol_indices, tornado

if TYPE_CHECKING:
    __version__: str
    from p53net.certifying import certify
    from p53net.exchange.running import run_archive
    from p53net.fitting.by_subject import fit_by_subject
    from p53net.fitting.fitted import fit
    from p53net.fitting.hill_curves import hill
    from p53net.fitting.of_studies import data_of
    from p53net.inference.posterior import infer
    from p53net.inference.questions import trial_questions
    from p53net.inference.ranking import next_experiment
    from p53net.petab.reading import read_petab
    from p53net.petab.writing import write_petab

__all__ = [
    "OBSERVABLES",
    "Dose",
    "Ensemble",
    "InputError",
    "Measure",
    "MeasureError",
    "MissingPackageError",
    "Model",
    "ModelError",
    "ModelWarning",
    "OutputError",
    "P53NetError",
    "Progress",
    "Regimen",
    "SimulationError",
    "SteadyStateError",
    "StoreError",
    "TableError",
    "UnknownNameError",
    "UnsupportedError",
    "WorkersError",
    "antimony",
    "best_of",
    "calibrate",
    "caspase",
    "certify",
    "closed_dish",
    "constant",
    "convert",
    "course",
    "data_of",
    "degradation",
    "ensemble",
    "errors",
    "escape",
    "export",
    "fisher_information",
    "fit",
    "fit_by_subject",
    "hill",
    "histogram_of",
    "hold_rule",
    "infer",
    "lint",
    "load",
    "log_uniform",
    "match",
    "measures",
    "next_experiment",
    "patient",
    "pk",
    "plot",
    "pulse",
    "quantiles_of",
    "read_events",
    "read_petab",
    "read_sbml",
    "read_sweep",
    "record",
    "regimen",
    "rerun",
    "run_archive",
    "schedules",
    "sobol_indices",
    "structures",
    "study",
    "sweep",
    "synergy",
    "tornado",
    "trial_questions",
    "uniform",
    "validate",
    "viability",
    "write_petab",
    "xenograft",
]


_LATER = {
    "certify": "p53net.certifying",
    "data_of": "p53net.fitting.of_studies",
    "fit": "p53net.fitting.fitted",
    "fit_by_subject": "p53net.fitting.by_subject",
    "hill": "p53net.fitting.hill_curves",
    "infer": "p53net.inference.posterior",
    "next_experiment": "p53net.inference.ranking",
    "read_petab": "p53net.petab.reading",
    "run_archive": "p53net.exchange.running",
    "trial_questions": "p53net.inference.questions",
    "write_petab": "p53net.petab.writing",
}
"""What needs SciPy from its first line: loaded when asked for, so that `import` stays light."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("p53net")
    if name not in _LATER:
        raise AttributeError(f"module 'p53net' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    """What users call; the rooms of the package are no part of it."""
    return __all__
