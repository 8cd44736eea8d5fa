"""A small PEtab problem in a folder: A decays at rate k from A0, B rests at s/d and follows s."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.files import compiled

MODEL = """
 compartment c = 1; species A in c, B in c; A = 1; B = 0.5
 k = 0.3; s = 1; d = 0.5; A_twice := 2*A
 A -> ; k*A
 -> B; s
 B -> ; d*B
"""

Files = Mapping[str, str]

FIRST: Files = {
    "problem.yaml": """
format_version: 1
parameter_file: parameters.tsv
problems:
- condition_files: [conditions.tsv]
  measurement_files: [measurements.tsv]
  observable_files: [observables.tsv]
  sbml_files: [m.xml]
""",
    "parameters.tsv": """
parameterId|parameterScale|lowerBound|upperBound|nominalValue|estimate|objectivePriorType|objectivePriorParameters
k|log10|0.001|100|0.3|1|parameterScaleNormal|-0.5;0.2
scale|lin|0.1|100|1.5|1|logNormal|0.2;0.7
offset|log|0.001|10|0.2|1||
start|lin|0|10|2.0|1|laplace|1;2
sd|log10|0.001|10|0.1|1||
fixed|lin|||0.25|0||
""",
    "conditions.tsv": """
conditionId|A|s
low|start|
high|3.5|2
off||0
""",
    "observables.tsv": """
observableId|observableFormula|observableTransformation|noiseFormula|noiseDistribution
a|observableParameter1_a * A + offset|lin|noiseParameter1_a|normal
b|log(B + 1)|log10|noiseParameter1_b + fixed * b|laplace
c|A_twice / scale|log|sd|normal
""",
    "measurements.tsv": """
observableId|preequilibrationConditionId|simulationConditionId|measurement|time|observableParameters|noiseParameters
a||low|2.9|0|scale|sd
a||low|1.7|1|scale|0.3
a||high|4.9|0.5|1.25|sd
b||low|0.51|1||0.2
b|off|high|1.1|1.5||sd
b|high|off|0.9|0.5||0.4
b||high|1.4|inf||0.2
c||high|3.1|2||
""",
}

SECOND: Files = {
    "problem.yaml": """
format_version: 2.0.0
parameter_files: [parameters.tsv]
model_files: {m: {location: m.xml, language: sbml}}
condition_files: [conditions.tsv]
experiment_files: [experiments.tsv]
measurement_files: [measurements.tsv]
observable_files: [observables.tsv]
""",
    "parameters.tsv": """
parameterId|lowerBound|upperBound|nominalValue|estimate|priorDistribution|priorParameters
k|0.001|100|0.3|true|normal|0.4;0.2
dose|0|10|2.0|true||
sd|0.001|10|0.1|true||
""",
    "conditions.tsv": """
conditionId|targetId|targetValue
doubled|s|2
begin|A|2 * dose
given|A|A + dose / 2
stopped|s|0
stopped|k|k / 2
""",
    "experiments.tsv": """
experimentId|time|conditionId
twice|-inf|doubled
twice|0|begin
twice|2|given
twice|2|stopped
""",
    "observables.tsv": """
observableId|observableFormula|observablePlaceholders|noiseFormula|noisePlaceholders|noiseDistribution
a|f * A|f|sd||log-normal
b|B||width|width|normal
""",
    "measurements.tsv": """
observableId|experimentId|time|measurement|observableParameters|noiseParameters
a|twice|1|2.5|1.5|
a|twice|2|4.4|1.5|
a|twice|4|2.5|dose|
b|twice|1|2.2||0.2
b|twice|4|0.8||sd
b||1|1.4||sd
""",
}


def write(folder: Path, files: Files, model: str = MODEL) -> Path:
    """A problem's files; in tables, `|` stands for a tab. The path of its YAML file."""
    compiled(model, folder)
    for name, text in files.items():
        content = text.strip("\n") + "\n"
        if name.endswith(".tsv"):
            content = content.replace("|", "\t")
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "problem.yaml"
