"""The estimate model: from a reference's counts to grade distributions at every point of prior attainment.

Each qualification is fitted from the top down: all its subjects together, families of subjects, subjects, subjects by
sex. A child starts as its parent, moved to the child's own level; its counts are joined by k pupils distributed as that
parent (k from the counts), and a smooth monotone curve is put through them. Large subjects follow their own counts,
small ones their parent's shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration.estimates import composition, offsets, shrinkage, smoothing
from orchestration.estimates.counts import QualificationCounts, counts
from orchestration.estimates.priors import FloatArray
from orchestration.estimates.reference import Reference

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

    reference: Reference
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


def fit(reference: Reference, parameters: Parameters | None = None) -> Model:
    """Fit every subject of a reference."""
    chosen = parameters or Parameters()
    return Model(reference, chosen, tuple(_qualification(found, chosen) for found in counts(reference)))


@dataclass(frozen=True)
class _Group:
    """Fitted units of one level: their counts (unit x band x grade), curves, weight of the parent, band shares."""

    counted: FloatArray
    shares: FloatArray
    curves: smoothing.Curves
    parent_pupils: float


def _qualification(source: QualificationCounts, parameters: Parameters) -> QualificationModel:
    spline = smoothing.basis(source.scale, parameters.pieces)
    both = source.pupils.sum(axis=1)
    top = _fit(both.sum(axis=0)[None], None, None, source, spline, parameters)
    names = sorted(set(source.families))
    member = np.array([names.index(family) for family in source.families])
    families = _fit(
        np.stack([both[member == number].sum(axis=0) for number in range(len(names))]),
        top, np.zeros(len(names), dtype=int), source, spline, parameters,
    )  # fmt: skip
    subjects = _subjects(both, member, top, families, source, spline, parameters)
    groups: list[tuple[str, Sequence[str], Sequence[str], Sequence[str], _Group, FloatArray, FloatArray]] = []
    none = source.without_prior.sum(axis=1)
    groups.append(("all", [ALL_SUBJECTS], [""], ["all"], top, top.counted, none.sum(axis=0)[None]))
    of_family = np.stack([none[member == number].sum(axis=0) for number in range(len(names))])
    groups.append(("family", names, names, ["all"] * len(names), families, top.counted.repeat(len(names), 0), of_family))
    around = families.counted[member]
    groups.append(
        ("subject", source.subjects, source.families, ["all"] * len(source.subjects), subjects, around, none)
    )
    if len(source.sexes) > 1:
        number, grades = len(source.sexes), len(source.grades)
        counted = source.pupils.reshape(-1, len(source.bands), grades)
        index = np.repeat(np.arange(len(source.subjects)), number)
        by_sex = _fit(counted, subjects, index, source, spline, parameters)
        groups.append(
            (
                "subject",
                [source.subjects[i] for i in index],
                [source.families[i] for i in index],
                list(source.sexes) * len(source.subjects),
                by_sex,
                subjects.counted[index],
                source.without_prior.reshape(-1, grades),
            )
        )
    units = [
        unit
        for level, of, family, sexes, group, parent, without in groups
        for unit in _units(level, of, family, sexes, group, parent, without, source, spline)
    ]
    return QualificationModel(source, tuple(units))


def _subjects(
    both: FloatArray,
    member: np.typing.NDArray[np.intp],
    top: _Group,
    families: _Group,
    source: QualificationCounts,
    spline: smoothing.Basis,
    parameters: Parameters,
) -> _Group:
    """The subjects under their families; the only subject of its family stands under all subjects instead."""
    if len(both) == 1:
        return top
    alone = np.bincount(member)[member] == 1
    parents = _Group(
        counted=np.concatenate([families.counted, top.counted]),
        shares=np.concatenate([families.shares, top.shares]),
        curves=smoothing.Curves(
            np.concatenate([families.curves.coefficients, top.curves.coefficients]),
            np.concatenate([families.curves.logit_variance, top.curves.logit_variance]),
        ),
        parent_pupils=0.0,
    )
    return _fit(both, parents, np.where(alone, len(families.counted), member), source, spline, parameters)


def _fit(
    counted: FloatArray,
    parents: _Group | None,
    parent_of: np.typing.NDArray[np.intp] | None,
    source: QualificationCounts,
    spline: smoothing.Basis,
    parameters: Parameters,
) -> _Group:
    """Fit the units of one level under their parents; without parents, from a straight line."""
    points = len(source.scale.points)
    if parents is None or parent_of is None:
        around = np.ones(counted.shape[:2])
    else:
        around = parents.counted[parent_of].sum(axis=2)
        around = around / around.sum(axis=1, keepdims=True) * parameters.pieces
    # Bands without pupils of the unit take their neighbours' and parent's shape; the parent weighs one pupil a band.
    shares = composition.within_bands(counted.sum(axis=2) + np.maximum(around, 1e-3), source.bands, points)
    weights = np.zeros((len(counted), len(source.bands), points))
    for number, band in enumerate(source.bands):
        weights[:, number, band] = shares[:, band]
    reached = _reached(counted)
    entered = counted.sum(axis=2)
    if parents is None or parent_of is None:
        k = 0.0
        prior = _straight(reached, entered, source, spline)
        # Half a pupil a threshold keeps grades that nobody reached finite.
        reached, entered = reached + 0.5, entered + 1.0
    else:
        prior = offsets.moved(reached, entered, weights, spline, parents.curves.coefficients[parent_of])
        at_least = smoothing.chances(prior, spline)
        by_band = np.einsum("ubx,uxt->ubt", weights, at_least)
        expected = -np.diff(np.pad(by_band, ((0, 0), (0, 0), (1, 1)), constant_values=((0, 0), (0, 0), (1, 0))), axis=2)
        k = shrinkage.pupils_of_parent(counted.reshape(-1, counted.shape[2]), expected.reshape(-1, counted.shape[2]))
        reached = reached + k * by_band.transpose(0, 2, 1)
        entered = entered + k
    curves = smoothing.fit(reached, entered, weights, spline, prior, parameters.roughness)
    return _Group(counted, shares, curves, k)


def _reached(counted: FloatArray) -> FloatArray:
    """Pupils at or above each threshold: unit x threshold x band."""
    above = np.cumsum(counted[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.asarray(above[:, :, 1:].transpose(0, 2, 1))


def _straight(
    reached: FloatArray, entered: FloatArray, source: QualificationCounts, spline: smoothing.Basis
) -> FloatArray:
    """Straight lines on the logistic scale through the bands, as coefficients: where the top level starts."""
    middle = np.array([source.scale.positions[band].mean() for band in source.bands])
    chance = (reached + 0.5) / (entered[:, None, :] + 1)
    logit = np.log(chance / (1 - chance))
    weight = (entered[:, None, :] + 1) * chance * (1 - chance)
    total = weight.sum(axis=2)
    x = (weight * middle).sum(axis=2) / total
    y = (weight * logit).sum(axis=2) / total
    away = middle - x[:, :, None]
    slope = (weight * away * (logit - y[:, :, None])).sum(axis=2) / np.maximum((weight * away**2).sum(axis=2), 1e-9)
    slope = np.maximum(slope, 0.0)
    return np.asarray(y[:, :, None] + slope[:, :, None] * (spline.centres - x[:, :, None]))


def _units(
    level: str,
    names: Sequence[str],
    families: Sequence[str],
    sexes: Sequence[str],
    group: _Group,
    parent: FloatArray,
    without: FloatArray,
    source: QualificationCounts,
    spline: smoothing.Basis,
) -> list[Unit]:
    at_least = smoothing.chances(group.curves.coefficients, spline)
    effective = _effective(at_least, group.curves.logit_variance)
    band_of = source.band_of_point()
    units = []
    for number, (name, family, sex) in enumerate(zip(names, families, sexes, strict=True)):
        entered, around = group.counted[number].sum(axis=1), parent[number].sum(axis=1)
        units.append(
            Unit(
                level=level,
                name=name,
                family=family,
                sex=sex,
                at_least=np.pad(at_least[number], ((0, 0), (1, 0)), constant_values=1.0),
                pupils=np.where(band_of >= 0, entered[band_of], 0.0),
                family_pupils=np.where(band_of >= 0, around[band_of], 0.0),
                parent_pupils=group.parent_pupils,
                effective=effective[number],
                within=group.shares[number],
                without_prior=without[number],
            )
        )
    return units


def _effective(at_least: FloatArray, logit_variance: FloatArray) -> FloatArray:
    """Pupils whose plain counts would be as certain as the curves are: binomial variance over the curve's variance."""
    spread = at_least * (1 - at_least)
    certain = (spread**2 * logit_variance.transpose(0, 2, 1)).sum(axis=2)
    return np.asarray(spread.sum(axis=2) / np.maximum(certain, 1e-12))
