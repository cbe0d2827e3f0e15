-- Estimates as look-up tables: the references they are made from, the runs, and which run is in use. History: never edited
-- once it has run on anybody's data; a change is the next migration.

create table estimates.reference (
    digest text primary key,
    stage text not null,
    reference_year smallint not null,
    release text not null,
    source text not null,
    origin text not null check (origin in ('published', 'operator', 'own pool')),
    pupils bigint not null,
    content bytea not null,
    loaded_by text not null,
    loaded_at timestamptz not null default now()
);
comment on table estimates.reference is 'One row per reference: counts or curves of one stage, year and release from which estimates are made. Every one is kept, so that every run can be made again.';
comment on column estimates.reference.digest is 'SHA-256 of its rows in canonical order.';
comment on column estimates.reference.stage is 'From which key stage to which: ks2_ks4, ks4_ks5, level3 (value-added curves after 16), ks1_ks2.';
comment on column estimates.reference.reference_year is 'Year of the examinations.';
comment on column estimates.reference.release is 'Release of the figures: provisional, revised, published ...';
comment on column estimates.reference.source is 'Publication or pool.';
comment on column estimates.reference.origin is 'published: shipped with the platform; operator: loaded from a file; own pool: counted from the platform''s own pupils.';
comment on column estimates.reference.pupils is 'Results behind it.';
comment on column estimates.reference.content is 'Its rows in canonical order, CSV, compressed with Zstandard.';
comment on column estimates.reference.loaded_by is 'Who loaded it.';
comment on column estimates.reference.loaded_at is 'When.';

create table estimates.lookup_run (
    run_id text primary key,
    stage text not null,
    reference_digest text not null references estimates.reference,
    reference_year smallint not null,
    release text not null,
    source text not null,
    method_version text not null,
    cohort_year smallint not null,
    levels numeric(5, 2)[] not null,
    inputs jsonb not null,
    caveat text not null,
    made_by text not null,
    made_at timestamptz not null default now()
);
comment on table estimates.lookup_run is 'One row per making of look-up tables. The same reference and inputs give the same run.';
comment on column estimates.lookup_run.run_id is 'Hash of reference, parameters, effects, levels, cohort year and method.';
comment on column estimates.lookup_run.stage is 'As of the reference.';
comment on column estimates.lookup_run.reference_digest is 'The reference: estimates.reference.';
comment on column estimates.lookup_run.reference_year is 'Year of the reference''s examinations.';
comment on column estimates.lookup_run.release is 'Release of the reference.';
comment on column estimates.lookup_run.source is 'Source of the reference.';
comment on column estimates.lookup_run.method_version is 'Version of the engine''s method.';
comment on column estimates.lookup_run.cohort_year is 'Year in which the first cohort that it is for is examined.';
comment on column estimates.lookup_run.levels is 'Challenge levels: per cent of schools that do better.';
comment on column estimates.lookup_run.inputs is 'What beside the reference the tables follow from: parameters, school effects, substitutes for prior attainment, overrides.';
comment on column estimates.lookup_run.caveat is 'How the reference was graded differently; empty when it was not.';
comment on column estimates.lookup_run.made_by is 'Who had it made.';
comment on column estimates.lookup_run.made_at is 'When.';

create table estimates.lookup (
    run_id text not null references estimates.lookup_run,
    qualification text not null,
    level text not null check (level in ('subject', 'family', 'all')),
    subject text not null,
    family text not null,
    sex text not null check (sex in ('F', 'M', 'all')),
    prior_measure text not null,
    prior_value numeric(6, 2) not null,
    challenge numeric(5, 2) not null,
    estimate_grade text not null,
    estimate_points numeric(6, 2) not null,
    chance double precision not null,
    chance_higher double precision not null,
    chance_lower double precision not null,
    expected_points double precision not null,
    points_sd double precision not null,
    standard_error double precision not null,
    basis_n integer not null check (basis_n > 0),
    effective_n double precision not null,
    reliability text not null check (reliability in ('high', 'medium', 'low')),
    method text not null,
    grades text[] not null,
    points numeric(6, 2)[] not null,
    chances double precision[] not null,
    primary key (run_id, qualification, subject, level, sex, prior_measure, challenge, prior_value),
    check (cardinality(grades) = cardinality(chances) and cardinality(grades) = cardinality(points)),
    check (chances[1] = 1)
);
comment on table estimates.lookup is 'One row per run, subject, sex, point of prior attainment and challenge level: the distribution of grades of pupils like that (docs/estimates.md).';
comment on column estimates.lookup.run_id is 'The run: estimates.lookup_run.';
comment on column estimates.lookup.qualification is 'Qualification, whose subjects share grades; in stage level3 with size and cohort.';
comment on column estimates.lookup.level is 'subject, family (its name is in subject) or all.';
comment on column estimates.lookup.subject is 'Subject, the department''s name.';
comment on column estimates.lookup.family is 'Family of subjects.';
comment on column estimates.lookup.sex is 'F, M, or all.';
comment on column estimates.lookup.prior_measure is 'ks2_mean, ks4_mean, ks1_mean, or the substitute: ks1, standardised_test, teacher_assessment, school, national.';
comment on column estimates.lookup.prior_value is 'The point; a pupil''s value belongs to the point at or just below it.';
comment on column estimates.lookup.challenge is 'Per cent of schools that do better: 50, 20, 5.';
comment on column estimates.lookup.estimate_grade is 'Highest grade with at least even odds.';
comment on column estimates.lookup.estimate_points is 'Its points.';
comment on column estimates.lookup.chance is 'Chance of that grade or better, 0 to 1.';
comment on column estimates.lookup.chance_higher is 'Chance of a higher grade.';
comment on column estimates.lookup.chance_lower is 'Chance of a lower grade.';
comment on column estimates.lookup.expected_points is 'Mean points of the distribution.';
comment on column estimates.lookup.points_sd is 'Standard deviation of the points.';
comment on column estimates.lookup.standard_error is 'Of expected_points: sampling and smoothing.';
comment on column estimates.lookup.basis_n is 'Pupils in the published cell.';
comment on column estimates.lookup.effective_n is 'Pupils'' worth of information on the point, parent included.';
comment on column estimates.lookup.reliability is 'high, medium or low.';
comment on column estimates.lookup.method is 'own_counts, parent_counts, level3_mean_and_deviation, fallback_...';
comment on column estimates.lookup.grades is 'Grades, lowest first.';
comment on column estimates.lookup.points is 'Points of the grades.';
comment on column estimates.lookup.chances is 'Chance of each grade or better, in the order of grades; the first is 1.';

create table estimates.lookup_use (
    use_id bigint generated always as identity primary key,
    stage text not null,
    run_id text not null references estimates.lookup_run,
    reason text not null,
    used_by text not null,
    used_at timestamptz not null default now()
);
create index on estimates.lookup_use (stage, use_id);
comment on table estimates.lookup_use is 'One row per switch of a stage to a run; the latest of a stage is in use. Append-only.';
comment on column estimates.lookup_use.use_id is 'Number of the switch, in order.';
comment on column estimates.lookup_use.stage is 'The stage.';
comment on column estimates.lookup_use.run_id is 'The run in use from then on: estimates.lookup_run.';
comment on column estimates.lookup_use.reason is 'Why, in plain English.';
comment on column estimates.lookup_use.used_by is 'Who switched.';
comment on column estimates.lookup_use.used_at is 'When.';
create trigger append_only before update or delete on estimates.lookup_use
    for each row execute function ops.refuse_to_rewrite();
create trigger append_only_whole before truncate on estimates.lookup_use
    for each statement execute function ops.refuse_to_rewrite();

-- How good estimates are: fitted to one year, scored on another

create table estimates.calibration_test (
    test_id bigint generated always as identity primary key,
    stage text not null,
    fitted_digest text not null references estimates.reference,
    scored_digest text not null references estimates.reference,
    method_version text not null,
    tested_at timestamptz not null default now(),
    unique (fitted_digest, scored_digest, method_version)
);
comment on table estimates.calibration_test is 'One row per test: fitted to one reference, scored on the results of another year.';
comment on column estimates.calibration_test.test_id is 'Number of the test.';
comment on column estimates.calibration_test.stage is 'As of the references.';
comment on column estimates.calibration_test.fitted_digest is 'Reference that was fitted.';
comment on column estimates.calibration_test.scored_digest is 'Reference whose results were scored.';
comment on column estimates.calibration_test.method_version is 'Version of the engine''s method.';
comment on column estimates.calibration_test.tested_at is 'When.';

create table estimates.calibration_score (
    test_id bigint not null references estimates.calibration_test on delete cascade,
    way text not null,
    slice text not null check (slice in ('all', 'subject', 'prior attainment', 'sex', 'disadvantage')),
    slice_value text not null,
    pupils bigint not null,
    ranked_probability_score double precision,
    log_loss double precision,
    bias double precision not null,
    absolute_bias_by_subject double precision,
    coverage_50 double precision,
    coverage_80 double precision,
    coverage_95 double precision,
    primary key (test_id, way, slice, slice_value)
);
comment on table estimates.calibration_score is 'One row per test, way of estimating and slice of the pupils: scores of the distributions against what came.';
comment on column estimates.calibration_score.test_id is 'The test: estimates.calibration_test.';
comment on column estimates.calibration_score.way is 'model, or a baseline.';
comment on column estimates.calibration_score.slice is 'all, subject, prior attainment, sex or disadvantage.';
comment on column estimates.calibration_score.slice_value is 'Value of the slice; all for all.';
comment on column estimates.calibration_score.pupils is 'Results scored.';
comment on column estimates.calibration_score.ranked_probability_score is 'Mean ranked probability score, in grades; 0 is perfect. Null where only means are published.';
comment on column estimates.calibration_score.log_loss is 'Mean negative log likelihood.';
comment on column estimates.calibration_score.bias is 'Mean of estimate less result, points.';
comment on column estimates.calibration_score.absolute_bias_by_subject is 'Absolute bias of each subject, weighted by its pupils; slice all.';
comment on column estimates.calibration_score.coverage_50 is 'Share of results in the central half of their distribution; right is 0.5.';
comment on column estimates.calibration_score.coverage_80 is 'The same for the central 80 %.';
comment on column estimates.calibration_score.coverage_95 is 'The same for the central 95 %.';

create table estimates.calibration_reliability (
    test_id bigint not null references estimates.calibration_test on delete cascade,
    way text not null,
    bin smallint not null check (bin between 1 and 10),
    forecasts bigint not null,
    forecast double precision not null,
    observed double precision not null,
    primary key (test_id, way, bin)
);
comment on table estimates.calibration_reliability is 'One row per test, way and bin of forecast chances, over all thresholds between grades: what was forecast and what came.';
comment on column estimates.calibration_reliability.test_id is 'The test: estimates.calibration_test.';
comment on column estimates.calibration_reliability.way is 'model, or a baseline.';
comment on column estimates.calibration_reliability.bin is '1 to 10: chances below 0.1, 0.1 to below 0.2 ...';
comment on column estimates.calibration_reliability.forecasts is 'Pupils times thresholds.';
comment on column estimates.calibration_reliability.forecast is 'Mean forecast chance.';
comment on column estimates.calibration_reliability.observed is 'Share who reached the threshold.';

-- The platform's own pool of schools

create table estimates.pool_fit (
    fit_id bigint generated always as identity primary key,
    stage text not null,
    inputs_hash text not null,
    run_id text not null references estimates.lookup_run,
    academic_years integer[] not null,
    schools integer not null,
    results integer not null,
    reason text,
    fitted_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    unique (stage, inputs_hash)
);
comment on table estimates.pool_fit is 'One row per fit of school effects on the platform''s own results. The one of a stage with the highest last_used_at is in use.';
comment on column estimates.pool_fit.fit_id is 'Number of the fit.';
comment on column estimates.pool_fit.stage is 'As of the look-up it stands on.';
comment on column estimates.pool_fit.inputs_hash is 'SHA-256 of the results and the look-up. The same inputs give the same fit.';
comment on column estimates.pool_fit.run_id is 'Look-up from which schools'' results are told apart: estimates.lookup_run.';
comment on column estimates.pool_fit.academic_years is 'Years of the results.';
comment on column estimates.pool_fit.schools is 'Schools with results.';
comment on column estimates.pool_fit.results is 'Results with an estimate.';
comment on column estimates.pool_fit.reason is 'Why nothing was fitted, in plain English; null when something was.';
comment on column estimates.pool_fit.fitted_at is 'When it was fitted.';
comment on column estimates.pool_fit.last_used_at is 'When a run last found these inputs.';

create table estimates.pool_subject (
    fit_id bigint not null references estimates.pool_fit on delete cascade,
    qualification text not null,
    subject text not null,
    schools integer not null,
    results integer not null,
    effect_sd double precision,
    effect_sd_low double precision,
    effect_sd_high double precision,
    reason text,
    primary key (fit_id, qualification, subject)
);
comment on table estimates.pool_subject is 'One row per fit and subject: how much the pool''s schools differ, given prior attainment.';
comment on column estimates.pool_subject.fit_id is 'The fit: estimates.pool_fit.';
comment on column estimates.pool_subject.qualification is 'Qualification, as in the look-up.';
comment on column estimates.pool_subject.subject is 'Subject, as in the look-up.';
comment on column estimates.pool_subject.schools is 'Schools with results in it.';
comment on column estimates.pool_subject.results is 'Results.';
comment on column estimates.pool_subject.effect_sd is 'Standard deviation of schools'' effects on the logistic scale; null when the pool is too small.';
comment on column estimates.pool_subject.effect_sd_low is 'Lower end of its 95 % interval.';
comment on column estimates.pool_subject.effect_sd_high is 'Upper end of its 95 % interval.';
comment on column estimates.pool_subject.reason is 'Why there is none: how many schools and results are needed; null when there is one.';

create table estimates.pool_school (
    fit_id bigint not null references estimates.pool_fit on delete cascade,
    school_id integer not null references ops.school,
    qualification text not null,
    subject text not null,
    results integer not null,
    effect double precision not null,
    effect_se double precision not null,
    percentile smallint not null check (percentile between 1 and 100),
    primary key (fit_id, school_id, qualification, subject)
);
comment on table estimates.pool_school is 'One row per fit, school and subject: what the school adds, given prior attainment, drawn towards the middle the fewer its results.';
comment on column estimates.pool_school.fit_id is 'The fit: estimates.pool_fit.';
comment on column estimates.pool_school.school_id is 'The school: ops.school.';
comment on column estimates.pool_school.qualification is 'Qualification.';
comment on column estimates.pool_school.subject is 'Subject.';
comment on column estimates.pool_school.results is 'Results of the school in it.';
comment on column estimates.pool_school.effect is 'Effect on the logistic scale; above 0 is better than the nation.';
comment on column estimates.pool_school.effect_se is 'Its standard error.';
comment on column estimates.pool_school.percentile is 'Place among the pool''s schools in the subject, 1 is best.';
