"""Sums of species that no reaction changes."""

import libsbml
import numpy as np

_ZERO = 1e-9


def conserved_sums(sbml: str) -> list[dict[str, float]]:
    """Weights of concentrations whose sum is constant, of each independent conserved sum.

    From the stoichiometries and volumes: the left null space, in its reduced form, so that sums
    have few species. None where volumes move, or species are set otherwise than by reactions.
    """
    model = libsbml.readSBMLFromString(sbml).getModel()
    if model is None or model.getNumEvents():
        return []
    ruled = {rule.getVariable() for rule in model.getListOfRules()}
    volumes = {one.getId(): one for one in model.getListOfCompartments()}
    moving = [
        one for one in model.getListOfSpecies()
        if not (one.getConstant() or one.getBoundaryCondition() or one.getId() in ruled)
    ]  # fmt: skip
    places = {one.getId(): i for i, one in enumerate(moving)}
    if not places or any(one.getCompartment() in ruled for one in moving):
        return []
    changes = np.zeros((len(places), max(model.getNumReactions(), 1)))
    for column, reaction in enumerate(model.getListOfReactions()):
        for sign, side in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            for item in side:
                if item.getSpecies() in places:
                    if item.getId() in ruled or not np.isfinite(item.getStoichiometry()):
                        return []
                    changes[places[item.getSpecies()], column] += sign * item.getStoichiometry()
    found = list[dict[str, float]]()
    for row in _left_null(changes):
        weights = dict[str, float]()
        for one, weight in zip(moving, row, strict=True):
            if abs(weight) > _ZERO:
                volume = volumes[one.getCompartment()]
                size = 1.0 if one.getHasOnlySubstanceUnits() else float(volume.getSize())
                weights[one.getId()] = float(weight) * size
        if np.isfinite(list(weights.values())).all():
            found.append(weights)
    return found


def _left_null(matrix: np.ndarray) -> np.ndarray:
    """Independent rows y with y @ matrix = 0, in reduced row echelon form."""
    size = len(matrix)
    wide = np.hstack([matrix, np.eye(size)])
    top = _reduced(wide, matrix.shape[1])
    rows = wide[top:, matrix.shape[1] :]
    count = _reduced(rows, size)
    return np.asarray(rows[:count])


def _reduced(matrix: np.ndarray, columns: int) -> int:
    """Reduce in place by the first columns; returns how many rows lead."""
    top = 0
    for column in range(columns):
        if top == len(matrix):
            break
        best = top + int(np.abs(matrix[top:, column]).argmax())
        if abs(matrix[best, column]) < _ZERO:
            continue
        matrix[[top, best]] = matrix[[best, top]]
        matrix[top] /= matrix[top, column]
        for other in range(len(matrix)):
            if other != top:
                matrix[other] -= matrix[other, column] * matrix[top]
        top += 1
    return top
