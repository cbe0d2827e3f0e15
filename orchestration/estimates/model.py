"""The estimate model: from a reference's counts to grade distributions at every point of prior attainment.

Each qualification is fitted from the top down: all its subjects together, families of subjects, subjects, subjects by
sex. A child starts as its parent, moved to the child's own level; its counts are joined by k pupils distributed as that
parent (k from the counts), and a smooth monotone curve is put through them. Large subjects follow their own counts,
small ones their parent's shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from orchestration.estimates import composition, offsets, shrinkage, smoothing
from orchestration.estimates.counts import QualificationCounts, counts
from orchestration.estimates.priors import FloatArray, IntArray
from orchestration.estimates.reference import CountReference
from orchestration.estimates.threads import one_thread

ALL_SUBJECTS = "All subjects"


@dataclass(frozen=True)
class Parameters:
    """What the operator may choose; part of the run id.

    Attributes:
        pieces: Pieces of the spline over prior attainment.
        roughness: Weight of the penalty on roughness (smoothing.fit).
    """

    pieces: int = 12
    roughness: float = 20.0


@dataclass(frozen=True)
class Unit:
    """Distributions of one subject (or family, or all subjects) for one sex.

    Attributes:
        level: "subject", "family" or "all".
        name: Subject, family, or ``ALL_SUBJECTS``.
        family: The subject's family; of a family itself its name, of all subjects "".
        sex: F, M or all.
        at_least: Chance of each grade or better, point x grade; the first column is 1.
        pupils: Pupils of the unit in the published band of each point.
        family_pupils: Likewise of the unit's parent.
        parent_pupils: Weight of the parent in each band, in pupils; 0 at the top.
        effective: Pupils' worth of information on the point, parent included.
        within: Share of each point in its published band (sums to 1 in each band).
        without_prior: Pupils without prior attainment, by grade.
    """

    level: str
    name: str
    family: str
    sex: str
    at_least: FloatArray
    pupils: FloatArray
    family_pupils: FloatArray
    parent_pupils: float
    effective: FloatArray
    within: FloatArray
    without_prior: FloatArray


@dataclass(frozen=True)
class QualificationModel:
    """All units of a qualification, with its grades (lowest first) and their points."""

    source: QualificationCounts
    units: tuple[Unit, ...]

    def unit(self, name: str, sex: str, level: str = "subject") -> Unit:
        """The unit of a subject and sex.

        Raises:
            KeyError: there is none.
        """
        for found in self.units:
            if (found.name, found.sex, found.level) == (name, sex, level):
                return found
        raise KeyError(f"{self.source.qualification} has no {level} {name} for sex {sex}")


@dataclass(frozen=True)
class Model:
    """The fitted qualifications of a reference."""

    reference: CountReference
    parameters: Parameters
    qualifications: tuple[QualificationModel, ...]

    def qualification(self, name: str) -> QualificationModel:
        """One qualification by name.

        Raises:
            KeyError: the reference has none of that name.
        """
        for found in self.qualifications:
            if found.source.qualification == name:
                return found
        raise KeyError(f"the reference has no qualification {name}")


def fit(reference: CountReference, parameters: Parameters | None = None) -> Model:
    """Fit every subject of a reference."""
    chosen = parameters or Parameters()
    with one_thread():
        return Model(reference, chosen, tuple(_qualification(found, chosen) for found in counts(reference)))


@dataclass(frozen=True)
class _Setting:
    """What all fits of a qualification share."""

    source: QualificationCounts
    spline: smoothing.Basis
    parameters: Parameters


@dataclass(frozen=True)
class _Group:
    """Fitted units of one level: their counts (unit x band x grade), curves, weight of the parent, band shares."""

    counted: FloatArray
    shares: FloatArray
    curves: smoothing.Curves
    parent_pupils: float


@dataclass(frozen=True)
class _Named:
    """A group with what its units are called: level, names, families, sexes; ``parent`` and ``without`` are counts."""

    level: str
    names: Sequence[str]
    families: Sequence[str]
    sexes: Sequence[str]
    group: _Group
    parent: FloatArray
    without: FloatArray


def _qualification(source: QualificationCounts, parameters: Parameters) -> QualificationModel:
    setting = _Setting(source, smoothing.basis(source.scale, parameters.pieces), parameters)
    both, none = source.pupils.sum(axis=1), source.without_prior.sum(axis=1)
    names = sorted(set(source.families))
    member = np.array([names.index(family) for family in source.families])
    top = _fit_top(both.sum(axis=0), setting)
    families = _fit(_sums(both, member), top, np.zeros(len(names), dtype=np.intp), setting)
    subjects = _subjects(both, member, (top, families), setting)
    every, each = ["all"] * len(names), ["all"] * len(source.subjects)
    groups = [
        _Named("all", [ALL_SUBJECTS], [""], ["all"], top, top.counted, none.sum(axis=0)[None]),
        _Named("family", names, names, every, families, top.counted.repeat(len(names), 0), _sums(none, member)),
        _Named("subject", source.subjects, source.families, each, subjects, families.counted[member], none),
    ]
    if len(source.sexes) > 1:
        groups.append(_by_sex(subjects, setting))
    return QualificationModel(source, tuple(unit for named in groups for unit in _units(named, setting)))


def _sums(counted: FloatArray, member: IntArray) -> FloatArray:
    """Counts summed over the members of each family."""
    return np.stack([counted[member == number].sum(axis=0) for number in range(member.max() + 1)])


def _subjects(both: FloatArray, member: IntArray, above: tuple[_Group, _Group], setting: _Setting) -> _Group:
    """The subjects under their families; the only subject of its family stands under all subjects instead."""
    top, families = above
    if len(both) == 1:
        return top
    alone = np.bincount(member)[member] == 1
    curves = [group.curves for group in (families, top)]
    parents = _Group(
        counted=np.concatenate([families.counted, top.counted]),
        shares=np.concatenate([families.shares, top.shares]),
        curves=smoothing.Curves(
            np.concatenate([of.coefficients for of in curves]), np.concatenate([of.logit_variance for of in curves])
        ),
        parent_pupils=0.0,
    )
    return _fit(both, parents, np.where(alone, len(families.counted), member), setting)


def _by_sex(subjects: _Group, setting: _Setting) -> _Named:
    """Each subject's sexes under the subject."""
    source = setting.source
    number, grades = len(source.sexes), len(source.grades)
    index = np.repeat(np.arange(len(source.subjects)), number)
    return _Named(
        "subject",
        [source.subjects[subject] for subject in index],
        [source.families[subject] for subject in index],
        list(source.sexes) * len(source.subjects),
        _fit(source.pupils.reshape(-1, len(source.bands), grades), subjects, index, setting),
        subjects.counted[index],
        source.without_prior.reshape(-1, grades),
    )


def _fit_top(counted: FloatArray, setting: _Setting) -> _Group:
    """Fit all subjects together, from straight lines."""
    entered = counted.sum(axis=1)[None]
    reached = _reached(counted[None])
    shares, weights = _spread(entered + 1e-3, setting)
    prior = _straight(reached, entered, setting)
    # Half a pupil a threshold keeps grades that nobody reached finite.
    observed = smoothing.Observed(reached + 0.5, entered + 1.0, weights)
    return _Group(
        counted[None], shares, smoothing.fit(observed, setting.spline, prior, setting.parameters.roughness), 0.0
    )


def _fit(counted: FloatArray, parents: _Group, parent_of: IntArray, setting: _Setting) -> _Group:
    """Fit the units of one level under their parents."""
    entered, reached = counted.sum(axis=2), _reached(counted)
    around = parents.counted[parent_of].sum(axis=2)
    # Where a unit has hardly a pupil, its bands are filled as its parent's are: the parent weighs a pupil a band.
    around = around / around.sum(axis=1, keepdims=True) * around.shape[1]
    shares, weights = _spread(entered + np.maximum(around, 1e-3), setting)
    observed = smoothing.Observed(reached, entered, weights)
    prior = offsets.moved(observed, setting.spline, parents.curves.coefficients[parent_of])
    by_band = np.einsum("ubx,uxt->ubt", weights, smoothing.chances(prior, setting.spline))
    first, beyond = np.ones_like(by_band[:, :, :1]), np.zeros_like(by_band[:, :, :1])
    expected = -np.diff(np.concatenate([first, by_band, beyond], axis=2), axis=2)
    grades = counted.shape[2]
    k = shrinkage.pupils_of_parent(counted.reshape(-1, grades), expected.reshape(-1, grades))
    joined = smoothing.Observed(reached + k * by_band.transpose(0, 2, 1), entered + k, weights)
    return _Group(counted, shares, smoothing.fit(joined, setting.spline, prior, setting.parameters.roughness), k)


def _spread(pupils: FloatArray, setting: _Setting) -> tuple[FloatArray, FloatArray]:
    """Shares of the points in their bands: unit x point, and unit x band x point."""
    bands, points = setting.source.bands, len(setting.source.scale.points)
    shares = composition.within_bands(pupils, bands, points)
    weights = np.zeros((len(pupils), len(bands), points))
    for number, band in enumerate(bands):
        weights[:, number, band] = shares[:, band]
    return shares, weights


def _reached(counted: FloatArray) -> FloatArray:
    """Pupils at or above each threshold: unit x threshold x band."""
    above = np.cumsum(counted[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.asarray(above[:, :, 1:].transpose(0, 2, 1))


def _straight(reached: FloatArray, entered: FloatArray, setting: _Setting) -> FloatArray:
    """Straight lines on the logistic scale through the bands, as coefficients: where the top level starts."""
    middle = np.array([setting.source.scale.positions[band].mean() for band in setting.source.bands])
    chance = (reached + 0.5) / (entered[:, None, :] + 1)
    logit = np.log(chance / (1 - chance))
    weight = (entered[:, None, :] + 1) * chance * (1 - chance)
    total = weight.sum(axis=2)
    x = (weight * middle).sum(axis=2) / total
    y = (weight * logit).sum(axis=2) / total
    away = middle - x[:, :, None]
    slope = (weight * away * (logit - y[:, :, None])).sum(axis=2) / np.maximum((weight * away**2).sum(axis=2), 1e-9)
    slope = np.maximum(slope, 0.0)
    return np.asarray(y[:, :, None] + slope[:, :, None] * (setting.spline.centres - x[:, :, None]))


def _units(named: _Named, setting: _Setting) -> Iterator[Unit]:
    curves = named.group.curves
    at_least = smoothing.chances(curves.coefficients, setting.spline)
    effective = _effective(at_least, curves.logit_variance)
    band_of = setting.source.band_of_point()

    def at_points(counted: FloatArray) -> FloatArray:
        return np.where(band_of >= 0, counted.sum(axis=1)[band_of], 0.0)

    for number, (name, family, sex) in enumerate(zip(named.names, named.families, named.sexes, strict=True)):
        yield Unit(
            level=named.level,
            name=name,
            family=family,
            sex=sex,
            at_least=np.pad(at_least[number], ((0, 0), (1, 0)), constant_values=1.0),
            pupils=at_points(named.group.counted[number]),
            family_pupils=at_points(named.parent[number]),
            parent_pupils=named.group.parent_pupils,
            effective=effective[number],
            within=named.group.shares[number],
            without_prior=named.without[number],
        )


def _effective(at_least: FloatArray, logit_variance: FloatArray) -> FloatArray:
    """Pupils whose plain counts would be as certain as the curves are: binomial variance over the curve's variance."""
    spread = at_least * (1 - at_least)
    certain = (spread**2 * logit_variance.transpose(0, 2, 1)).sum(axis=2)
    return np.asarray(spread.sum(axis=2) / np.maximum(certain, 1e-12))
