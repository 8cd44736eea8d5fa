"""Models in SBML files that are not ours."""

from p53net.model.external.apart import read_apart as read_apart
from p53net.model.external.initial import Starts as Starts
from p53net.model.external.initial import assigned_of as assigned_of
from p53net.model.external.initial import names_in_starts as names_in_starts
from p53net.model.external.initial import with_parameters as with_parameters
from p53net.model.external.initial import with_start_parameters as with_start_parameters
from p53net.model.external.reader import definition_of as definition_of
from p53net.model.external.reader import read_definition as read_definition
from p53net.model.external.switches import deciding as deciding
from p53net.model.external.switches import switch_times as switch_times
