"""The tables of docs/credibility.md: points of published guidelines, each with its evidence.

A point names tests, which a test looks up, and facts, which are counted. It is met where it has
evidence, every fact holds and nothing is missing; with something missing it is met in part; and
without evidence it is not met.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from p53net.evidence.markdown import rows_of
from p53net.evidence.pages import Table
from p53net.inference import facts
from p53net.inference.facts import Fact

MET, PART, NOT = "met", "in part", "**not met**"


class Point(NamedTuple):
    """A point of a guideline."""

    asks: str
    tests: tuple[str, ...] = ()
    """Below tests/, as `folder/test_file.py::test_name`."""
    facts: tuple[Callable[[], Fact], ...] = ()
    missing: str = ""
    page: str = ""
    """Where it is told, of docs/."""


class Answer(NamedTuple):
    """An element of an assessment that is answered in words."""

    element: str
    answer: str
    facts: tuple[Callable[[], Fact], ...] = ()
    tests: tuple[str, ...] = ()


def verdict(point: Point) -> str:
    """`met`, `in part` or `not met`."""
    if not (point.tests or any(one().holds for one in point.facts)):
        return NOT
    return PART if point.missing or not all(one().holds for one in point.facts) else MET


def _evidence(facts_of: Sequence[Callable[[], Fact]], tests: Sequence[str], page: str = "") -> str:
    said = [one().text for one in facts_of]
    told = [f"[{page}]({page}.md)"] if page else []
    return "; ".join([*said, *told, *(f"`{one}`" for one in tests)])


def _told(point: Point) -> str:
    found = _evidence(point.facts, point.tests, point.page)
    return f"{found}. *Missing:* {point.missing}" if point.missing else found


MIRIAM = (
    Point("in a public, standard, machine-readable format",
          ("model/test_exchange.py::test_exported_sbml_is_level_3_version_1_and_plain",),
          (facts.files,)),
    Point("complies with that standard",
          ("model/test_check.py::test_shipped_models_have_no_finding",
           "model/test_check.py::test_every_check_has_a_planted_fault")),
    Point("has a reference description",
          page="model", tests=("model/test_exchange.py::"
                               "test_equations_name_every_parameter_species_and_reaction",),
          missing="a publication"),
    Point("has the structure of the description",
          ("referee/test_referee.py::test_all_laws_of_a_model_at_once",), (facts.planted,)),
    Point("all quantities and initial conditions are defined",
          ("model/test_exchange.py::test_committed_files_are_what_the_text_gives",),
          (facts.sourced,)),
    Point("reproduces the results of the description",
          ("docs/test_tables.py::test_the_table_is_today_s",
           "model/test_exchange.py::test_copasi_and_scipy_give_the_same_curves")),
    Point("has a name", facts=(facts.named,)),
    Point("cites the reference description, by an identifier", facts=(facts.described,),
          missing="a publication, a DOI; CITATION.cff is of the software"),
    Point("names its creators, and how to reach them", facts=(facts.creators, facts.addresses)),
    Point("has dates of creation and last change", facts=(facts.dates, facts.changed)),
    Point("states the terms of distribution", facts=(facts.terms,)),
    Point("relates its parts to external resources",
          ("model/test_check.py::test_shipped_models_have_no_finding",), (facts.annotated,)),
)  # fmt: skip

MIASE = (
    Point("models are given, or how to get them",
          ("exchange/test_archives.py::test_what_is_in_an_archive",), page="exchange"),
    Point("with equations, values and conditions",
          ("exchange/test_same_elsewhere.py::test_the_file_says_what_its_starts_are",)),
    Point("in a standard format, or with their code",
          ("exchange/test_archives.py::test_tellurium_runs_an_archive_alike",
           "exchange/test_archives.py::test_copasi_runs_an_archive_alike")),
    Point("changes of a model before a step are told",
          ("exchange/test_running.py::test_changes_of_a_model_follow_its_chain",
           "simulation/test_records.py::test_records_tell_inputs_apart"), page="records"),
    Point("all steps, their algorithms and their order are told",
          ("simulation/test_records.py::test_every_result_is_made_again_to_the_last_bit",),
          page="records", missing="searches and populations in archives, which hold time "
          "courses alone"),
    Point("with all that is needed to do them again",
          ("simulation/test_records.py::test_every_result_is_made_again_to_the_last_bit",)),
    Point("enough to build the program anew",
          ("test_package.py::test_the_sdist_holds_what_is_needed_to_test_it",)),
    Point("differences between environments are told",
          ("simulation/test_records.py::test_what_cannot_be_made_again_is_refused",),
          page="records"),
    Point("how raw numbers become results",
          ("evidence/test_escape.py::test_a_measure_can_be_had_from_a_plain_simulation",
           "evidence/test_escape.py::test_every_number_has_a_unit_and_a_meaning"),
          page="measures"),
    Point("what is shown, and what against what",
          ("exchange/test_archives.py::test_what_is_in_an_archive",),
          missing="figures of studies, which our code alone draws"),
)  # fmt: skip

CURE = (
    Point("credible: verification",
          ("engines/test_conformance.py::test_values",
           "engines/test_copasi.py::test_every_named_structure"), page="accuracy"),
    Point("credible: validation",
          ("evidence/test_validation.py::test_every_row_is_as_the_baseline_says",),
          (facts.predicted,), page="validation"),
    Point("credible: quantified uncertainty",
          ("inference/test_tempering.py::test_means_and_covariances_are_those_of_the_posterior",),
          (facts.bodies,), page="ensemble"),
    Point("understandable: clear description",
          ("docs/test_docs.py::test_python_blocks_run_in_order",
           "docs/test_glossary.py::test_every_argument_is_in_the_table_and_no_other"),
          page="model"),
    Point("understandable: annotation",
          ("model/test_check.py::test_every_shipped_drug_and_cell_line_has_no_finding",)),
    Point("reproducible: standards",
          ("exchange/test_archives.py::test_tellurium_runs_an_archive_alike",
           "petab/test_problem.py::test_log_likelihood_is_that_by_hand"), page="exchange"),
    Point("reproducible: open science",
          ("simulation/test_records.py::test_every_result_is_made_again_to_the_last_bit",
           "test_package.py::test_what_names_the_version_agrees"),
          missing="an archive with a DOI, an entry in BioModels, a run by another group"),
    Point("extensible: open standards, modular code, reuse",
          ("model/test_own_fragments.py::test_a_third_mechanism_is_one_fragment_and_rows",
           "studies/test_own_tables.py::test_an_own_drug_in_every_study"), (facts.biologies,),
          page="own"),
)  # fmt: skip

FACTORS = (
    Point("code: software quality assurance",
          ("test_rooms.py::test_imports_point_downwards",
           "sweeps/test_faults.py::test_a_sweep_killed_again_and_again"),
          missing="a review by others than those who wrote code and tests"),
    Point("code: numerical code verification",
          ("engines/test_conformance.py::test_doses_by_their_closed_form",
           "engines/test_batch_method.py::test_order_of_the_method"), (facts.suite,)),
    Point("calculation: discretization error",
          ("engines/test_batch.py::test_errors_fall_with_the_tolerance",), page="accuracy"),
    Point("calculation: numerical solver error",
          ("engines/test_batch.py::test_the_committed_errors_are_of_this_engine",
           "engines/test_copasi.py::test_a_dish"), page="accuracy"),
    Point("calculation: use error",
          ("test_errors.py::test_bad_input",
           "model/test_check.py::test_a_fault_in_the_text")),
    Point("model: form", ("model/test_structures.py::test_dose_ratios_are_those_by_hand",),
          (facts.biologies,), page="structures",
          missing="a default that was not chosen with the ledger in view; its capacity is a guess"),
    Point("model: inputs, their sensitivities and uncertainties",
          ("inference/test_priors.py::test_whatever_a_structure_can_vary_has_a_prior",),
          (facts.assumed,), page="priors"),
    Point("comparator: test samples",
          ("evidence/test_validation.py::test_an_interval_has_an_origin_and_what_has_none_says_so",),
          missing="an experiment made for this; more lines, more laboratories"),
    Point("comparator: test conditions",
          ("evidence/test_holdout.py::test_rows_are_whole_and_each_is_once",),
          missing="concentrations and times that papers do not give"),
    Point("assessment: equivalency of inputs",
          ("evidence/test_seen.py::test_the_models_behind_a_prediction_are_those_that_it_runs",),
          missing="values of each line; a generic cell stands in"),
    Point("assessment: output comparison",
          ("evidence/test_validation.py::test_every_row_is_as_the_baseline_says",),
          (facts.predicted, facts.by_hand, facts.fitted)),
    Point("applicability: relevance of the quantities of interest",
          facts=(facts.not_modelled,),
          missing="a measurement of what the feedback costs in dose"),
    Point("applicability: relevance of the validation to the context of use",
          facts=(facts.held_out,),
          missing="held-out rows of degraders, of which little is published"),
)  # fmt: skip

ASSESSMENT = (
    Answer("question of interest", "Does a degrader of MDM2 escape the feedback that limits an "
           "inhibitor?"),
    Answer("context of use", "Research: to compare drugs in cells with wild-type TP53. Not to "
           "choose doses for patients."),
    Answer("model influence", "High: nobody has measured the answer.", (facts.draws,)),
    Answer("consequence of a wrong decision", "Low here: a wasted experiment. High in patients."),
    Answer("model risk", "Medium here. High for doses of patients."),
    Answer("model impact", "None: no authority was asked."),
    Answer("criteria fixed beforehand", "R-hat and effective draws, held-out rows, margins of "
           "claims. Some intervals of the ledger are assumed.", (),
           ("inference/test_agreement.py::test_a_posterior_is_refused_with_each_reason",
            "evidence/test_holdout.py::test_the_bytes_are_those_that_were_frozen",
            "studies/test_rivals.py::test_every_claim_is_read")),
    Answer("outcome", "Not enough to lean on alone:",
           (facts.predicted, facts.fitted, facts.held_out, facts.converged, facts.covered,
            facts.bodies)),
)  # fmt: skip

STANDARDS = {"MIRIAM": MIRIAM, "MIASE": MIASE, "CURE": CURE, "V&V 40": FACTORS}


def _table(points: Sequence[Point]) -> Callable[[], str]:
    def made() -> str:
        rows = [[one.asks, verdict(one), _told(one)] for one in points]
        return rows_of("point | verdict | evidence", rows)

    return made


def assessment() -> str:
    """Elements of the assessment of ICH M15."""
    rows = [[one.element, one.answer, _evidence(one.facts, one.tests)] for one in ASSESSMENT]
    return rows_of("element | answer | evidence", rows)


def overview() -> str:
    """How many points of each guideline are met."""
    rows = []
    for name, points in STANDARDS.items():
        counts = Counter(map(verdict, points))
        rows.append([name, *(str(counts[one]) for one in (MET, PART, NOT)), str(len(points))])
    return rows_of("guideline | met | in part | not met | points", rows)


def cited() -> list[str]:
    """Every test that is named."""
    of_points = [name for each in STANDARDS.values() for one in each for name in one.tests]
    return of_points + [name for one in ASSESSMENT for name in one.tests]


_PAGE = "docs/credibility.md"
TABLES = (
    Table(_PAGE, "credibility", overview),
    Table(_PAGE, "miriam", _table(MIRIAM)),
    Table(_PAGE, "miase", _table(MIASE)),
    Table(_PAGE, "cure", _table(CURE)),
    Table(_PAGE, "factors", _table(FACTORS)),
    Table(_PAGE, "assessment", assessment),
)
