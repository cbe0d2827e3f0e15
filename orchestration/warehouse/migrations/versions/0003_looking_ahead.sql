-- What looks ahead and what people add. History: never edited once it has run on anybody's data.

-- Estimates: what numeric models were fitted, on what, and how they did

create schema estimates;
comment on schema estimates is 'Numeric models fitted between core and marts, each fit kept.';

create table estimates.risk_fit (
    fit_id bigint generated always as identity primary key,
    recipe text not null,
    inputs_hash text not null,
    fitted_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    academic_years integer[] not null,
    pupil_years integer not null,
    persistent_pupil_years integer not null,
    held_out_pupil_years integer not null,
    reason text
);
create unique index on estimates.risk_fit (recipe, inputs_hash);
comment on table estimates.risk_fit is 'One row per fit of the risk of persistent absence. The one with the highest last_used_at is in use; earlier ones are kept.';
comment on column estimates.risk_fit.fit_id is 'Number of the fit, in order of fitting.';
comment on column estimates.risk_fit.recipe is 'Version of inputs and method: fits of two recipes are not comparable coefficient by coefficient.';
comment on column estimates.risk_fit.inputs_hash is 'SHA-256 of the examples, in order. The same examples and recipe give the same coefficients.';
comment on column estimates.risk_fit.fitted_at is 'When it was first fitted.';
comment on column estimates.risk_fit.academic_years is 'Completed academic years that the examples are from.';
comment on column estimates.risk_fit.pupil_years is 'Pupils and years it was fitted on; those held out are not among them.';
comment on column estimates.risk_fit.persistent_pupil_years is 'Of pupil_years, those that ended persistently absent.';
comment on column estimates.risk_fit.held_out_pupil_years is 'Pupils and years of the pupils held out.';
comment on column estimates.risk_fit.reason is 'Why there is no model, in plain English; null when there is one.';
comment on column estimates.risk_fit.last_used_at is 'When a run last found these inputs.';

create table estimates.risk_coefficient (
    fit_id bigint not null references estimates.risk_fit,
    phase text not null check (phase in ('Primary', 'Secondary', 'Special', 'All')),
    input text not null,
    coefficient double precision not null,
    pupil_years integer not null,
    primary key (fit_id, phase, input)
);
comment on table estimates.risk_coefficient is 'One row per fit, phase and input: the logistic model''s coefficients.';
comment on column estimates.risk_coefficient.fit_id is 'The fit: estimates.risk_fit.';
comment on column estimates.risk_coefficient.phase is 'Phase whose pupils it was fitted on; All where a phase is too small for its own.';
comment on column estimates.risk_coefficient.input is 'Input of the model, or intercept.';
comment on column estimates.risk_coefficient.coefficient is 'Change of the log odds for one unit more of the input.';
comment on column estimates.risk_coefficient.pupil_years is 'Pupils and years of the phase that it was fitted on.';

create table estimates.risk_reliability (
    fit_id bigint not null references estimates.risk_fit,
    test text not null check (test in ('held-out pupils', 'each pupil in turn', 'latest year')),
    slice text not null,
    slice_value text not null,
    bin smallint not null check (bin between 0 and 10),
    predictions integer not null,
    pupils integer not null,
    predicted_mean double precision not null,
    observed_share double precision not null,
    brier double precision not null,
    brier_base_rate double precision not null,
    brier_over_ten_now double precision not null,
    primary key (fit_id, test, slice, slice_value, bin)
);
comment on table estimates.risk_reliability is 'One row per fit, test, slice of the pupils and bin of the probability: what was predicted and what came, for pupils the model had not seen.';
comment on column estimates.risk_reliability.fit_id is 'The fit: estimates.risk_fit.';
comment on column estimates.risk_reliability.test is 'held-out pupils: one in five, the model in use never saw them; each pupil in turn: five fits, each pupil predicted by the one that did not see them; latest year: a fit on earlier years, predicting the latest.';
comment on column estimates.risk_reliability.slice is 'all, phase, part of year, sex, fsm6, sen_status or ethnicity_group.';
comment on column estimates.risk_reliability.slice_value is 'Value of the slice; all for all.';
comment on column estimates.risk_reliability.bin is '1 to 10: predicted below 0.1, 0.1 to below 0.2 ...; 0 is the whole slice.';
comment on column estimates.risk_reliability.predictions is 'Predictions in the bin: a pupil is predicted every fourth school week.';
comment on column estimates.risk_reliability.pupils is 'Different pupils among them.';
comment on column estimates.risk_reliability.predicted_mean is 'Mean of the predicted probabilities.';
comment on column estimates.risk_reliability.observed_share is 'Share of the predictions whose pupil did end the year persistently absent.';
comment on column estimates.risk_reliability.brier is 'Mean squared difference of prediction and outcome; 0 is perfect.';
comment on column estimates.risk_reliability.brier_base_rate is 'The same for predicting everybody the share of all the test''s pupils of the phase.';
comment on column estimates.risk_reliability.brier_over_ten_now is 'The same for the rule: whoever is over 10 % now will be at the end.';

-- Alerts

create table ops.alert_rule_setting (
    school_id integer not null references ops.school,
    rule_id text not null,
    is_enabled boolean,
    threshold numeric(6, 2),
    look_back smallint check (look_back > 0),
    minimum_sessions smallint check (minimum_sessions >= 0),
    set_by text not null,
    set_at timestamptz not null default now(),
    primary key (school_id, rule_id),
    check (num_nonnulls(is_enabled, threshold, look_back, minimum_sessions) > 0)
);
comment on table ops.alert_rule_setting is 'One row per school and alert rule that the school has set otherwise than the default in reference.alert_rule.';
comment on column ops.alert_rule_setting.school_id is 'The school: ops.school.';
comment on column ops.alert_rule_setting.rule_id is 'The rule: reference.alert_rule.';
comment on column ops.alert_rule_setting.is_enabled is 'Whether the rule is on; null is the default.';
comment on column ops.alert_rule_setting.threshold is 'From where on the rule speaks, in the rule''s unit; null is the default.';
comment on column ops.alert_rule_setting.look_back is 'How far the rule looks back, in its unit; null is the default.';
comment on column ops.alert_rule_setting.minimum_sessions is 'Possible sessions below which the rule is silent; null is the default.';
comment on column ops.alert_rule_setting.set_by is 'Who set it.';
comment on column ops.alert_rule_setting.set_at is 'When.';

-- Interventions: append-only

create table ops.intervention (
    entry_id bigint generated always as identity primary key,
    intervention_id bigint not null,
    action text not null check (action in ('add', 'correct', 'close', 'withdraw')),
    school_id integer not null references ops.school,
    pupil_key bigint not null,
    kind text not null,
    started_on date not null,
    ended_on date,
    note text check (length(note) <= 200),
    recorded_by text not null,
    recorded_at timestamptz not null default now(),
    check (ended_on >= started_on),
    check ((action = 'add') = (intervention_id = entry_id)),
    check (action <> 'close' or ended_on is not null)
);
create index on ops.intervention (school_id, pupil_key);
create index on ops.intervention (intervention_id, entry_id);
comment on table ops.intervention is 'One row per entry in the log of what schools did for pupils'' attendance. Append-only: a correction or a closing is a new row that states the whole; the last row of an intervention holds.';
comment on column ops.intervention.entry_id is 'Number of the entry, in order of writing.';
comment on column ops.intervention.intervention_id is 'The intervention: the number of its first entry.';
comment on column ops.intervention.action is 'add, correct, close, or withdraw (entered by mistake).';
comment on column ops.intervention.school_id is 'The school: ops.school.';
comment on column ops.intervention.pupil_key is 'Key of the pupil within the school.';
comment on column ops.intervention.kind is 'What was done: reference.intervention_kind.';
comment on column ops.intervention.started_on is 'First day.';
comment on column ops.intervention.ended_on is 'Last day; null while it goes on.';
comment on column ops.intervention.note is 'A few words for whoever reads the log; never published. No names, no health, no suspicion.';
comment on column ops.intervention.recorded_by is 'Who entered it.';
comment on column ops.intervention.recorded_at is 'When it was entered.';

create function ops.refuse_to_rewrite() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('mis.erasure', true) = 'on' then
        return old;
    end if;
    raise exception '%.% is append-only: enter a correction as a new row', tg_table_schema, tg_table_name
        using errcode = 'restrict_violation',
              hint = 'To erase a person: set local mis.erasure = ''on'', then delete.';
end
$$;
comment on function ops.refuse_to_rewrite() is 'Keeps an append-only log from being rewritten; erasing a person is let through when it says so.';
create trigger append_only before update or delete on ops.intervention
    for each row execute function ops.refuse_to_rewrite();
create trigger append_only_whole before truncate on ops.intervention
    for each statement execute function ops.refuse_to_rewrite();
