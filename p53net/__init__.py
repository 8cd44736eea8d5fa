"""p53net: executable models of MDM2-p53 pharmacology.

`load` a model, `simulate` it, compare drugs with `escape`, `export` SBML. Assays: `viability`,
`degradation`, `caspase`; bodies: `pk`, `xenograft`, `patient`, `schedules`; evidence: `validate`,
`calibrate`. Concentrations are in nM, times in h. Every error derives from `P53NetError`.
"""

from p53net.amounts import convert as convert
from p53net.dosing import Dose as Dose
from p53net.dosing import closed as closed
from p53net.dosing import constant as constant
from p53net.dosing import pulse as pulse
from p53net.dosing import schedule as schedule
from p53net.errors import InputError as InputError
from p53net.errors import MeasureError as MeasureError
from p53net.errors import MissingPackageError as MissingPackageError
from p53net.errors import ModelError as ModelError
from p53net.errors import OutputError as OutputError
from p53net.errors import P53NetError as P53NetError
from p53net.errors import SimulationError as SimulationError
from p53net.errors import SteadyStateError as SteadyStateError
from p53net.errors import StoreError as StoreError
from p53net.errors import TableError as TableError
from p53net.errors import UnknownNameError as UnknownNameError
from p53net.errors import WorkersError as WorkersError
from p53net.escape_study import escape as escape
from p53net.evidence.calibration import calibrate as calibrate
from p53net.evidence.validation import validate as validate
from p53net.exchange import antimony as antimony
from p53net.exchange import export as export
from p53net.figures import plot as plot
from p53net.model import OBSERVABLES as OBSERVABLES
from p53net.regimens import Regimen as Regimen
from p53net.regimens import regimen as regimen
from p53net.repeating import record as record
from p53net.repeating import rerun as rerun
from p53net.simulation.model import Model as Model
from p53net.simulation.model import load as load
from p53net.simulation.model import read_sbml as read_sbml
from p53net.studies.caspase import caspase as caspase
from p53net.studies.catalogue import study as study
from p53net.studies.degradation import degradation as degradation
from p53net.studies.patient import patient as patient
from p53net.studies.pharmacokinetics import pk as pk
from p53net.studies.schedules import schedules as schedules
from p53net.studies.viability import viability as viability
from p53net.studies.xenograft import xenograft as xenograft
from p53net.sweeps import Measure as Measure
from p53net.sweeps import Progress as Progress
from p53net.sweeps import at as at
from p53net.sweeps import auc as auc
from p53net.sweeps import fold as fold
from p53net.sweeps import log_uniform as log_uniform
from p53net.sweeps import measure as measure
from p53net.sweeps import peak as peak
from p53net.sweeps import read_sweep as read_sweep
from p53net.sweeps import sobol_indices as sobol_indices
from p53net.sweeps import sweep as sweep
from p53net.sweeps import tornado as tornado
from p53net.sweeps import uniform as uniform
