"""The risk that a pupil ends the year persistently absent, from what is known in a school week.

A logistic model of six inputs, chosen because each can be said in a sentence: how the pace of missing so far compares
with the pace that would reach 10 % (``pace``), that times how much of the year is over, the share missed in the last
four school weeks, how much of the year is over, and whether the pupil was persistently absent last year, or that nobody
knows.

Who the pupil is (sex, ethnicity, free meals, needs, language) is no input; :func:`fit` only checks that the
probabilities hold for such groups. docs/attendance-risk.md is the model card. The macro ``risk_inputs`` of the dbt
project computes the same inputs in SQL; tests/estimates holds the two together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]

#: Version of inputs and method. A change of either is a new recipe, and every installation fits anew.
RECIPE = "attendance risk 1"
INPUTS = ("pace", "pace_by_elapsed", "missed_last_4_weeks", "elapsed", "persistent_last_year", "unknown_last_year")
INTERCEPT = "intercept"
EVERYBODY = "All"

#: One pupil in five is held out, by key: the same ones in every run and year.
FOLDS = 5
HELD_OUT_FOLD = 0

#: Below this nothing is fitted. Seven coefficients want some ten pupils of the rarer outcome each (a rule of thumb).
FEWEST_PUPIL_YEARS = 200
FEWEST_OF_AN_OUTCOME = 70
#: A phase gets a model of its own from here on; below it the pooled one is steadier.
FEWEST_PUPIL_YEARS_OF_A_PHASE = 1000

#: Slices of fewer pupils say nothing about a model.
FEWEST_PUPILS_OF_A_SLICE = 30
TEST_EVERY_WEEKS = 4
BINS = 10

# 6 %, about England's rate, of two weeks' sessions: what is believed before the first mark.
_PRIOR_MISSED, _PRIOR_POSSIBLE = 1.2, 20.0
_PACE_NEEDED = (0.005, 0.5)
_MOST_RECENT = 0.5

TEST_HELD_OUT, TEST_IN_TURN, TEST_LATEST_YEAR = "held-out pupils", "each pupil in turn", "latest year"


@dataclass(frozen=True)
class Examples:
    """Rows of ``core.risk_example`` as arrays of one length, in order of key. Counts are sessions.

    ``was_persistent`` is 1, 0, or -1 where last year is not known. ``groups`` has values to check the model by, ''
    where not recorded; they are no inputs.
    """

    school_id: Integers
    pupil_key: Integers
    academic_year: Integers
    week_number: Integers
    phase: Texts
    possible: Integers
    absence: Integers
    recent_possible: Integers
    recent_absence: Integers
    expected_possible: Integers
    was_persistent: Integers
    is_persistent: Flags
    groups: Mapping[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pupil_key)

    def __getitem__(self, rows: Flags) -> Examples:
        taken = {name: value[rows] for name, value in vars(self).items() if name != "groups"}
        return Examples(**taken, groups={name: values[rows] for name, values in self.groups.items()})

    @property
    def fold(self) -> Integers:
        """Which fifth a pupil belongs to; the key is a hash, so its remainder is chance."""
        return self.pupil_key % FOLDS

    def pupils(self) -> int:
        """How many different pupils there are."""
        return len(np.unique(np.stack([self.school_id, self.pupil_key]), axis=1).T)

    def pupil_years(self) -> tuple[int, int]:
        """How many different pupils and years there are, and how many of them ended persistently absent."""
        key = np.stack([self.school_id, self.pupil_key, self.academic_year, self.is_persistent.astype(np.int64)])
        different = np.unique(key, axis=1)
        return different.shape[1], int(different[3].sum())

    def fingerprint(self) -> str:
        """SHA-256 of everything a fit depends on: recipe and rows, groups included."""
        digest = hashlib.sha256(RECIPE.encode())
        for name, value in vars(self).items():
            if name == "groups":
                continue
            digest.update(name.encode())
            digest.update("\n".join(value).encode() if value.dtype.kind == "U" else value.astype("<i8").tobytes())
        for name, texts in sorted(self.groups.items()):
            digest.update(name.encode() + b"\n" + "\n".join(texts).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Coefficients:
    """A fitted model of one phase, and the pupils and years that it was fitted on."""

    intercept: float
    of_inputs: tuple[float, ...]
    pupil_years: int

    def named(self) -> dict[str, float]:
        """Coefficient by name of the input, the intercept first."""
        return {INTERCEPT: self.intercept, **dict(zip(INPUTS, self.of_inputs, strict=True))}


@dataclass(frozen=True)
class Reliability:
    """What was predicted and what came, in one bin of one slice of one test; bin 0 is the whole slice.

    ``brier`` is the mean squared difference of probability and outcome, beside that of predicting everybody the share
    of their phase in the test, and that of the rule "over 10 % now, over 10 % at the end".
    """

    test: str
    slice: str
    slice_value: str
    bin: int
    predictions: int
    pupils: int
    predicted_mean: float
    observed_share: float
    brier: float
    brier_base_rate: float
    brier_over_ten_now: float


@dataclass(frozen=True)
class RiskFit:
    """Models by phase with how they did; no model, and the reason, where the pool cannot carry one."""

    inputs_hash: str
    academic_years: tuple[int, ...]
    pupil_years: int
    persistent_pupil_years: int
    held_out_pupil_years: int
    models: Mapping[str, Coefficients]
    reliability: tuple[Reliability, ...]
    reason: str | None


def inputs(examples: Examples) -> Floats:
    """One row an example, one column each of ``INPUTS``. ``expected_possible`` must be more than ``possible``."""
    possible, absence = examples.possible.astype(np.float64), examples.absence.astype(np.float64)
    expected = examples.expected_possible.astype(np.float64)
    needed = np.clip((0.1 * expected - absence) / (expected - possible), *_PACE_NEEDED)
    pace = np.log((absence + _PRIOR_MISSED) / (possible + _PRIOR_POSSIBLE)) - np.log(needed)
    elapsed = possible / expected
    of_recent = examples.recent_absence / np.maximum(examples.recent_possible, 1)
    recent = np.minimum(np.where(examples.recent_possible > 0, of_recent, absence / possible), _MOST_RECENT)
    return np.column_stack(
        [pace, pace * elapsed, recent, elapsed, examples.was_persistent == 1, examples.was_persistent == -1]
    ).astype(np.float64)


def probability(model: Coefficients, values: Floats) -> Floats:
    """Probability, 0 to 1, for each row of :func:`inputs`."""
    score: Floats = model.intercept + values @ np.array(model.of_inputs)
    return np.asarray(1 / (1 + np.exp(-score)), dtype=np.float64)


def fit(examples: Examples) -> RiskFit:
    """Fit on everybody but the held-out pupils, and test on pupils and years that the tested fit had not seen.

    The same examples give the same coefficients, to the last digit kept (ten decimals).
    """
    training = examples[examples.fold != HELD_OUT_FOLD]
    pupil_years, persistent = training.pupil_years()
    held_out, _ = examples[examples.fold == HELD_OUT_FOLD].pupil_years()
    reason = _too_small(pupil_years, persistent)
    models = {} if reason else _models(training)
    return RiskFit(
        inputs_hash=examples.fingerprint(),
        academic_years=tuple(int(year) for year in np.unique(examples.academic_year)),
        pupil_years=pupil_years,
        persistent_pupil_years=persistent,
        held_out_pupil_years=held_out,
        models=models,
        reliability=() if reason else tuple(_tested(examples, models)),
        reason=reason,
    )


def _too_small(pupil_years: int, persistent: int) -> str | None:
    if pupil_years == 0:
        return "No model: no school has a completed academic year of marks yet."
    if pupil_years < FEWEST_PUPIL_YEARS:
        return (
            f"No model: {pupil_years} pupils and years have been completed, and fewer than {FEWEST_PUPIL_YEARS} say too"
            " little."
        )
    if min(persistent, pupil_years - persistent) < FEWEST_OF_AN_OUTCOME:
        return (
            f"No model: of {pupil_years} pupils and years {persistent} ended persistently absent, and fewer than"
            f" {FEWEST_OF_AN_OUTCOME} of either outcome say too little."
        )
    return None


def _models(training: Examples) -> dict[str, Coefficients]:
    models = {EVERYBODY: _model(training)}
    for phase in np.unique(training.phase):
        of_phase = training[training.phase == phase]
        pupil_years, persistent = of_phase.pupil_years()
        enough = min(persistent, pupil_years - persistent) >= FEWEST_OF_AN_OUTCOME
        if pupil_years >= FEWEST_PUPIL_YEARS_OF_A_PHASE and enough:
            models[str(phase)] = _model(of_phase)
    return models


def _model(training: Examples) -> Coefficients:
    # Newton's method goes to the bottom, where every machine arrives; rounding takes off what the order of sums leaves.
    fitted = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10, max_iter=200)
    fitted.fit(inputs(training), training.is_persistent)
    return Coefficients(
        intercept=round(float(fitted.intercept_[0]), 10),
        of_inputs=tuple(round(float(value), 10) for value in fitted.coef_[0]),
        pupil_years=training.pupil_years()[0],
    )


def _predicted(models: Mapping[str, Coefficients], examples: Examples) -> Floats:
    values = inputs(examples)
    found = probability(models[EVERYBODY], values)
    for phase, model in models.items():
        if phase != EVERYBODY:
            own = examples.phase == phase
            found[own] = probability(model, values[own])
    return found


def _tested(examples: Examples, models: Mapping[str, Coefficients]) -> Iterator[Reliability]:
    tested = examples[examples.week_number % TEST_EVERY_WEEKS == 0]
    held_out = tested[tested.fold == HELD_OUT_FOLD]
    yield from _slices(TEST_HELD_OUT, held_out, _predicted(models, held_out), by_group=False)

    in_turn = np.zeros(len(tested))
    for fold in range(FOLDS):
        unseen = tested.fold == fold
        others = examples[examples.fold != fold]
        if _too_small(*others.pupil_years()) is not None:
            return
        in_turn[unseen] = _predicted(_models(others), tested[unseen])
    yield from _slices(TEST_IN_TURN, tested, in_turn, by_group=True)

    latest = examples.academic_year.max()
    earlier = examples[(examples.academic_year < latest) & (examples.fold != HELD_OUT_FOLD)]
    if _too_small(*earlier.pupil_years()) is None:
        year = tested[tested.academic_year == latest]
        yield from _slices(TEST_LATEST_YEAR, year, _predicted(_models(earlier), year), by_group=False)


def _slices(test: str, examples: Examples, predicted: Floats, *, by_group: bool) -> Iterator[Reliability]:
    if len(examples) == 0:
        return
    base = np.zeros(len(examples))
    for phase in np.unique(examples.phase):
        of_phase = examples.phase == phase
        base[of_phase] = examples.is_persistent[of_phase].mean()
    over_ten = (10 * examples.absence >= examples.possible).astype(np.float64)

    def row(name: str, value: str, place: int, rows: Flags) -> Reliability:
        outcome = examples.is_persistent[rows].astype(np.float64)
        return Reliability(
            test,
            name,
            value,
            place,
            int(rows.sum()),
            examples[rows].pupils(),
            float(predicted[rows].mean()),
            float(outcome.mean()),
            *(float(np.mean((guess[rows] - outcome) ** 2)) for guess in (predicted, base, over_ten)),
        )

    everybody = np.ones(len(examples), dtype=bool)
    yield row("all", "all", 0, everybody)
    place_of = np.minimum((predicted * BINS).astype(np.int64) + 1, BINS)
    for place in range(1, BINS + 1):
        if (in_bin := place_of == place).any():
            yield row("all", "all", place, in_bin)
    elapsed = examples.possible / examples.expected_possible
    part = np.select([elapsed < 1 / 3, elapsed < 2 / 3], ["first third", "second third"], "last third")
    slices: dict[str, NDArray[np.str_]] = {"phase": examples.phase, "part of year": part}
    if by_group:
        slices |= dict(examples.groups)
    for name, values in slices.items():
        for value in np.unique(values):
            of_value = values == value
            if value and examples[of_value].pupils() >= FEWEST_PUPILS_OF_A_SLICE:
                yield row(name, str(value), 0, of_value)
