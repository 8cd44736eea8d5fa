"""The model room: biology as text and tables, made into SBML. Only here: antimony and libsbml.

`sbml`, `equations`, `check` and `units` load compiled libraries: they are imported on use.
"""

from p53net.model import beside
from p53net.model.definition import GENERIC as GENERIC
from p53net.model.definition import Definition as Definition
from p53net.model.definition import define as define
from p53net.model.definition import molar_masses as molar_masses
from p53net.model.definition import shown_unit as shown_unit
from p53net.model.strangers import with_own as with_own
from p53net.model.structures import OBSERVABLES as OBSERVABLES
from p53net.model.structures import library_of as library_of
from p53net.model.systems import SYSTEMS as SYSTEMS
from p53net.model.tables import cell_line_entries as cell_line_entries
from p53net.model.tables import drug_entries as drug_entries
from p53net.model.tables import drug_names as drug_names
from p53net.model.tables import host_entries as host_entries
from p53net.model.tables import resolve as resolve

beside.watch()
