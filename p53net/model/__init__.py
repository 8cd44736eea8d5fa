"""The model room: biology as text and tables, made into SBML. Only here: antimony and libsbml."""

from p53net.model.definition import GENERIC as GENERIC
from p53net.model.definition import OBSERVABLES as OBSERVABLES
from p53net.model.definition import Definition as Definition
from p53net.model.definition import define as define
from p53net.model.equations import equations as equations
from p53net.model.sbml import Event as Event
from p53net.model.sbml import to_antimony as to_antimony
from p53net.model.sbml import with_values as with_values
from p53net.model.tables import cell_line_entries as cell_line_entries
from p53net.model.tables import drug_entries as drug_entries
from p53net.model.tables import drug_names as drug_names
