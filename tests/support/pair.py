"""A file of somebody: two species that turn into each other, with closed forms."""

# A <-> B with a total of 12, and C that follows A; D starts at twice A
SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
 <model id="pair" timeUnits="second" substanceUnits="mole" volumeUnits="litre" extentUnits="mole">
  <listOfCompartments><compartment id="c" size="1" constant="true" spatialDimensions="3"/>
  </listOfCompartments>
  <listOfSpecies>{species}</listOfSpecies>
  <listOfParameters><parameter id="k" value="2" constant="true"/>
   <parameter id="back" value="1" constant="true"/></listOfParameters>
  <listOfInitialAssignments><initialAssignment symbol="D">
   <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><cn>2</cn><ci>A</ci></apply>
   </math></initialAssignment></listOfInitialAssignments>
  <listOfReactions>{reactions}</listOfReactions>
 </model></sbml>"""
SPECIES = (
    '<species id="{}" compartment="c" initialConcentration="{}" constant="false" '
    'hasOnlySubstanceUnits="false" boundaryCondition="false"/>'
)
REACTION = (
    '<reaction id="{}" reversible="false" fast="false"><listOfReactants><speciesReference '
    'species="{}" stoichiometry="1" constant="true"/></listOfReactants><listOfProducts>'
    '<speciesReference species="{}" stoichiometry="1" constant="true"/></listOfProducts>'
    '<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>c</ci>'
    "<ci>{}</ci><ci>{}</ci></apply></math></kineticLaw></reaction>"
)
PAIR = SBML.format(
    species=SPECIES.format("A", 12) + SPECIES.format("B", 0) + SPECIES.format("D", 0),
    reactions=REACTION.format("r1", "A", "B", "k", "A")
    + REACTION.format("r2", "B", "A", "back", "B")
    + REACTION.format("r3", "D", "B", "k", "D").replace("<ci>k</ci>", "<cn>0</cn>"),
)
