"""p53net: executable models of MDM2-p53 pharmacology.

`load` a model, `simulate` it, compare drugs with `escape`, `export` SBML. Concentrations are in nM,
times in h. Every error derives from `P53NetError`.
"""

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
from p53net.errors import TableError as TableError
from p53net.errors import UnknownNameError as UnknownNameError
from p53net.escape_study import escape as escape
from p53net.exchange import antimony as antimony
from p53net.exchange import export as export
from p53net.figures import plot as plot
from p53net.model import OBSERVABLES as OBSERVABLES
from p53net.simulate import Model as Model
from p53net.simulate import load as load
