"""p53net: executable models of MDM2-p53 pharmacology.

    >>> import p53net as pn
    >>> run = pn.load("KT-253").simulate(range(73), {"KT-253": 5.0})
    >>> pn.plot(run).savefig("run.png")

Concentrations are in nM and times in h, unless a name or a unit says otherwise. Results are xarray
Datasets with units and a record, or pandas tables. `help(pn.load)`, and so on, says what a name
does, with an example.

Models and runs:
    load                a model: cells in a dish, a culture, a tumour or marrow, with drugs
    Model               what it is: simulate, steady_state, gradient, sbml, parameters
    read_sbml           the same of anybody's SBML file
    structures          other biologies that a model can have
    OBSERVABLES         read-outs of a cell, and what they are
    plot                the figure of any result, with data over it
    export              a model or a fit as SBML, Antimony, COPASI, COMBINE archive or PEtab
    antimony            a run as Antimony text
    certify             what three engines say of a model
    lint                what there is to say of an SBML file
    constant            a concentration that stays
    pulse               one that is washed out
    course              any changes of the medium
    closed_dish         a finite amount of drug
    Dose                what these four make
    regimen             doses into a body
    Regimen             what it makes; regimens add up
    read_events         a regimen from an event table
    hold_rule           when doses are held for toxicity
    convert             amounts and concentrations of a drug in other units
    record              what made a result
    rerun               a result again from its record

Studies:
    escape              how drugs escape the feedback, and the curves behind it
    viability           live cells after days, and the IC50
    degradation         MDM2 that is destroyed, and the DC50
    caspase             active caspase-3/7
    synergy             two drugs against what each does alone
    pk                  plasma
    xenograft           tumours in mice
    patient             plasma, tumour and blood of patients
    schedules           tumour effect against toxicity of regimens
    match               the dose of one drug that equals another's
    study               a study of your own

Fits and exchange:
    fit                 parameters from your own plates, blots, plasma, tumours and counts
    fit_by_subject      each subject, and how subjects differ
    data_of             a study as a table that fit reads
    hill                a logistic curve of each plate
    read_petab          a PEtab problem, ready to evaluate
    write_petab         a model with data as one
    run_archive         time courses of a COMBINE archive

Ensembles and evidence:
    ensemble            draws of parameters and structures that the evidence leaves plausible
    Ensemble            what they are; the probability of a claim
    infer               draws of your own, in an hour or more
    next_experiment     experiments by what they would teach
    trial_questions     regimens in virtual patients, over draws
    validate            every published number beside its prediction
    calibrate           the fit behind the fitted values

Sweeps and measures:
    sweep               many points of a model, resumable
    read_sweep          what a sweep has kept
    Progress            how far it is
    uniform             an axis spread evenly
    log_uniform         the same in the logarithm
    tornado             which parameters move a measure
    sobol_indices       shares of its variance
    fisher_information  what curves tell of parameters
    best_of             a sweep's best points alone
    histogram_of        its histogram alone
    quantiles_of        its quantiles alone
    Measure             one number from each point: pn.measures makes them

Errors:
    P53NetError         base of all: what was wrong, what is allowed, what to do
    InputError          a value outside what is allowed
    UnknownNameError    a drug, cell line, parameter or read-out that is not there
    TableError          a table that cannot be read as one
    ModelError          text that is not a sound model
    UnsupportedError    a part of a model that an engine cannot run
    ModelWarning        a part that is run otherwise than in other tools
    SimulationError     an integration that did not reach its end
    SteadyStateError    no state at rest
    MeasureError        a measure that is not defined here
    OutputError         a file that cannot be written
    StoreError          a folder that is not this sweep's
    WorkersError        workers or a scheduler that cannot be used
    MissingPackageError  a package that is not installed

Modules:
    measures            a function for each kind of measure
    errors              all errors
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
