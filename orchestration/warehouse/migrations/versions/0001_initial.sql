-- The warehouse as it begins. History: never edited once it has run on anybody's data; a change is the next migration.

comment on schema ops is 'What the platform knows of its own work: schools, extracts, watermarks, gates, releases.';
create schema raw;
comment on schema raw is 'Partners'' data as accepted, one table per kind of record, every row keyed by its school.';
create schema landing;
comment on schema landing is 'Unlogged work tables of the extract loop; nothing in them outlives a batch.';
create schema quarantine;
comment on schema quarantine is 'Rows that broke a critical rule or could not be decoded, with the reason.';
create schema access;
comment on schema access is 'People, and which schools and purposes they may see.';
create schema reference;
comment on schema reference is 'Dated code sets and published national figures, seeded by dbt.';
create schema provisioning;
comment on schema provisioning is 'Published: user provisioning, login and personalisation.';
create schema self_evaluation;
comment on schema self_evaluation is 'Published: self-evaluation of past performance and early results.';
create schema benchmarks;
comment on schema benchmarks is 'Published: benchmark estimates, target setting and student explorer.';
create schema tracking;
comment on schema tracking is 'Published: pupil tracking and assessment of current pupils.';
create schema attendance;
comment on schema attendance is 'Published: attendance reporting and analysis.';

-- Schools

create table ops.school (
    school_id integer generated always as identity primary key,
    partner text not null,
    partner_school_id text not null,
    name text not null,
    urn integer,
    la_code text,
    establishment_number text,
    laestab text generated always as (lpad(la_code, 3, '0') || lpad(establishment_number, 4, '0')) stored,
    phase text,
    mis text,
    timezone text,
    has_custom_codes boolean not null default false,
    state text not null check (state in ('approved', 'pending', 'revoked', 'declined', 'audited', 'offline')),
    state_since timestamptz,
    seen_at timestamptz,
    unique (partner, partner_school_id)
);
comment on table ops.school is 'One row per school and partner that serves it, whatever the state of its permission.';
comment on column ops.school.school_id is 'The platform''s number of the school; leads every key of the warehouse.';
comment on column ops.school.partner is 'Who serves the data: wonde.';
comment on column ops.school.partner_school_id is 'The partner''s id of the school.';
comment on column ops.school.name is 'Name as the partner gives it.';
comment on column ops.school.urn is 'DfE unique reference number; null when the partner does not know it.';
comment on column ops.school.la_code is 'Local authority code, three digits.';
comment on column ops.school.establishment_number is 'Establishment number, four digits.';
comment on column ops.school.laestab is 'Local authority code and establishment number, seven digits; null unless both are known.';
comment on column ops.school.phase is 'The partner''s word as received: PRIMARY, SECONDARY, ALL THROUGH ...';
comment on column ops.school.mis is 'The school''s management information system as the partner names it.';
comment on column ops.school.timezone is 'IANA name of the time zone of the school''s clock.';
comment on column ops.school.has_custom_codes is 'Whether the school keeps attendance codes of its own beside the national ones.';
comment on column ops.school.state is 'Permission at the partner: only approved schools are extracted.';
comment on column ops.school.state_since is 'When the platform first saw this state.';
comment on column ops.school.seen_at is 'When the partner''s lists were last read with this school in them.';

create table ops.school_scope (
    school_id integer not null references ops.school,
    scope text not null,
    granted boolean not null,
    seen_at timestamptz,
    primary key (school_id, scope)
);
comment on table ops.school_scope is 'One row per school and scope that the partner knows: what the school has granted.';
comment on column ops.school_scope.school_id is 'The school: ops.school.';
comment on column ops.school_scope.scope is 'The partner''s name of the scope.';
comment on column ops.school_scope.granted is 'Whether the school has granted it; a column of a scope not granted is null in raw.';
comment on column ops.school_scope.seen_at is 'When the partner was last asked.';

-- Extracts

create table ops.extract (
    extract_id bigint generated always as identity primary key,
    run_id text not null,
    school_id integer not null references ops.school,
    category text not null,
    mode text not null check (mode in ('incremental', 'full')),
    state text not null check (state in ('running', 'loaded', 'held', 'failed')),
    watermark_from timestamptz,
    watermark_to timestamptz,
    as_at timestamptz,
    archive_path text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    pages integer not null default 0,
    rows_extracted integer not null default 0,
    rows_loaded integer not null default 0,
    rows_quarantined integer not null default 0,
    rows_removed integer not null default 0,
    message text
);
create index on ops.extract (school_id, category, extract_id);
create index on ops.extract (run_id);
comment on table ops.extract is 'One row per extract: one school''s category read once from its partner.';
comment on column ops.extract.extract_id is 'Number of the extract; raw rows name the extract that last changed them.';
comment on column ops.extract.run_id is 'The Dagster run, or the command, that extracted.';
comment on column ops.extract.school_id is 'The school: ops.school.';
comment on column ops.extract.category is 'Category of MIS data: basic, demographics, timetable, assessment, attendance or staff.';
comment on column ops.extract.mode is 'incremental: what changed since watermark_from; full: everything, what is missing counts as removed.';
comment on column ops.extract.state is 'running; loaded into raw; held by a batch rule; failed for the reason in message.';
comment on column ops.extract.watermark_from is 'Changes since then were asked for; null in a full extract.';
comment on column ops.extract.watermark_to is 'From where the next incremental extract asks, once this one is loaded.';
comment on column ops.extract.as_at is 'The partner''s clock at the first page.';
comment on column ops.extract.archive_path is 'Where the pages are archived, as fsspec takes it.';
comment on column ops.extract.started_at is 'When the extract began, by the platform''s clock.';
comment on column ops.extract.finished_at is 'When it was loaded, held or had failed; null while it runs.';
comment on column ops.extract.pages is 'Pages read and archived.';
comment on column ops.extract.rows_extracted is 'Rows that the pages held, over all tables of the category.';
comment on column ops.extract.rows_loaded is 'Rows inserted or changed in raw.';
comment on column ops.extract.rows_quarantined is 'Rows sent to quarantine.';
comment on column ops.extract.rows_removed is 'Rows newly marked as removed.';
comment on column ops.extract.message is 'Why it was held or failed, in plain English; null when loaded.';

create table ops.extract_table (
    extract_id bigint not null references ops.extract,
    table_name text not null,
    rows_extracted integer not null default 0,
    rows_inserted integer not null default 0,
    rows_changed integer not null default 0,
    rows_unchanged integer not null default 0,
    rows_quarantined integer not null default 0,
    rows_removed integer not null default 0,
    primary key (extract_id, table_name)
);
comment on table ops.extract_table is 'One row per extract and raw table it fills: what became of the rows.';
comment on column ops.extract_table.extract_id is 'The extract: ops.extract.';
comment on column ops.extract_table.table_name is 'Table in schema raw.';
comment on column ops.extract_table.rows_extracted is 'Rows that the pages held.';
comment on column ops.extract_table.rows_inserted is 'Rows that raw did not have.';
comment on column ops.extract_table.rows_changed is 'Rows that raw had otherwise, or as removed.';
comment on column ops.extract_table.rows_unchanged is 'Rows that raw had already, column for column; not written.';
comment on column ops.extract_table.rows_quarantined is 'Rows sent to quarantine.';
comment on column ops.extract_table.rows_removed is 'Rows newly marked as removed.';

create table ops.watermark (
    school_id integer not null references ops.school,
    category text not null,
    updated_after timestamptz,
    full_at timestamptz,
    extract_id bigint not null references ops.extract,
    primary key (school_id, category)
);
comment on table ops.watermark is 'One row per school and category accepted at least once; committed together with the rows it vouches for.';
comment on column ops.watermark.school_id is 'The school: ops.school.';
comment on column ops.watermark.category is 'Category of MIS data.';
comment on column ops.watermark.updated_after is 'The next incremental extract asks for changes since then, by the partner''s clock.';
comment on column ops.watermark.full_at is 'When the category was last read whole, by the partner''s clock.';
comment on column ops.watermark.extract_id is 'The extract that set the watermark.';

-- Gates and releases

create table ops.gate_result (
    gate_result_id bigint generated always as identity primary key,
    run_id text not null,
    evaluated_at timestamptz not null default now(),
    stage text not null check (stage in ('raw', 'batch', 'core', 'mart')),
    suite text not null,
    relation text not null,
    school_id integer,
    rule_id text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    outcome text not null check (outcome in ('passed', 'failed', 'error')),
    rows_checked bigint not null default 0,
    rows_failed bigint not null default 0,
    examples jsonb not null default '[]',
    message text not null,
    what_to_do text not null,
    owner text not null
);
create index on ops.gate_result (run_id);
create index on ops.gate_result (evaluated_at);
comment on table ops.gate_result is 'One row per rule evaluated on a relation in a run. The evidence of a gate: it must be writable whatever the gate found, so it refers to no other table.';
comment on column ops.gate_result.gate_result_id is 'Number of the result, in order of writing.';
comment on column ops.gate_result.run_id is 'The run that evaluated the rule.';
comment on column ops.gate_result.evaluated_at is 'When.';
comment on column ops.gate_result.stage is 'Where in the flow: raw (rows), batch (a school''s extract), core or mart.';
comment on column ops.gate_result.suite is 'Name of the suite, as in expectations/.';
comment on column ops.gate_result.relation is 'Table or view that was checked.';
comment on column ops.gate_result.school_id is 'The school, where the gate was its own; null over all schools.';
comment on column ops.gate_result.rule_id is 'Id of the rule: ATT-003.';
comment on column ops.gate_result.severity is 'critical blocks, warning is shown, info is counted.';
comment on column ops.gate_result.outcome is 'passed, failed, or error when the rule could not be evaluated, which blocks too.';
comment on column ops.gate_result.rows_checked is 'Rows the rule looked at.';
comment on column ops.gate_result.rows_failed is 'Rows that broke it.';
comment on column ops.gate_result.examples is 'Keys of a few rows that broke it: a list of objects.';
comment on column ops.gate_result.message is 'What is wrong, in plain English.';
comment on column ops.gate_result.what_to_do is 'What the owner should do about it.';
comment on column ops.gate_result.owner is 'Who should act.';

create table ops.release (
    release_id bigint generated always as identity primary key,
    purpose text not null check (purpose in ('provisioning', 'self_evaluation', 'benchmarks', 'tracking', 'attendance')),
    schema_name text not null unique,
    state text not null check (state in ('published', 'superseded', 'rolled_back')),
    published_at timestamptz not null default now(),
    run_id text not null,
    relations jsonb not null
);
create unique index on ops.release (purpose) where state = 'published';
comment on table ops.release is 'One row per publication of a purpose''s marts.';
comment on column ops.release.release_id is 'Number of the release, in order of publication.';
comment on column ops.release.purpose is 'The purpose, which is also the name of the published schema.';
comment on column ops.release.schema_name is 'Schema that holds the tables of the release; dropped when the release is neither current nor the one before.';
comment on column ops.release.state is 'published (what people read), superseded by a later release, or rolled_back.';
comment on column ops.release.published_at is 'When it was first published.';
comment on column ops.release.run_id is 'The run that published it.';
comment on column ops.release.relations is 'Names of the published relations: a list of texts.';

-- Quarantine

create table quarantine.row (
    quarantine_id bigint generated always as identity primary key,
    school_id integer not null,
    category text not null,
    table_name text not null,
    extract_id bigint not null,
    row_key jsonb not null,
    rules text[] not null,
    messages text[] not null,
    payload jsonb not null,
    payload_kind text not null check (payload_kind in ('landing', 'source')),
    quarantined_at timestamptz not null default now(),
    state text not null default 'open' check (state in ('open', 'resolved', 'superseded')),
    resolved_at timestamptz
);
create unique index row_open_key on quarantine.row (school_id, table_name, row_key) where state = 'open';
create index on quarantine.row (extract_id);
comment on table quarantine.row is 'One row per rejected row of an extract. The same bad row read again renews the open entry.';
comment on column quarantine.row.quarantine_id is 'Number of the entry, as mis quarantine shows it.';
comment on column quarantine.row.school_id is 'The school: ops.school.';
comment on column quarantine.row.category is 'Category of MIS data.';
comment on column quarantine.row.table_name is 'Table of schema raw that the row was meant for.';
comment on column quarantine.row.extract_id is 'The extract that brought the row last: ops.extract.';
comment on column quarantine.row.row_key is 'Key of the row within its school and table, as far as it could be read.';
comment on column quarantine.row.rules is 'Ids of every critical rule it breaks.';
comment on column quarantine.row.messages is 'What is wrong, in plain English, in the order of rules.';
comment on column quarantine.row.payload is 'The whole row as it came.';
comment on column quarantine.row.payload_kind is 'landing: columns of the raw table; source: the partner''s record, which could not be decoded.';
comment on column quarantine.row.quarantined_at is 'When it was first, or last, rejected.';
comment on column quarantine.row.state is 'open; resolved by a retry or a later good row; superseded when a later extract no longer holds it.';
comment on column quarantine.row.resolved_at is 'When it ceased to be open.';

-- Access

create table access.person (
    person_id bigint generated always as identity primary key,
    email text not null unique,
    name text not null,
    can_view_named boolean not null default false,
    can_view_small_groups boolean not null default false
);
comment on table access.person is 'One row per person who may read published data.';
comment on column access.person.person_id is 'The platform''s number of the person.';
comment on column access.person.email is 'Address that identifies the person at sign-in.';
comment on column access.person.name is 'Name to show.';
comment on column access.person.can_view_named is 'Whether pupils'' names, UPNs and addresses may be shown to this person.';
comment on column access.person.can_view_small_groups is 'Whether figures of groups small enough to identify a pupil may be shown.';

create table access.grant_school (
    person_id bigint not null references access.person on delete cascade,
    school_id integer not null references ops.school on delete cascade,
    primary key (person_id, school_id)
);
create index on access.grant_school (school_id);
comment on table access.grant_school is 'One row per person and school whose data they may see.';
comment on column access.grant_school.person_id is 'The person: access.person.';
comment on column access.grant_school.school_id is 'The school: ops.school.';

create table access.grant_purpose (
    person_id bigint not null references access.person on delete cascade,
    purpose text not null check (purpose in ('provisioning', 'self_evaluation', 'benchmarks', 'tracking', 'attendance')),
    primary key (person_id, purpose)
);
comment on table access.grant_purpose is 'One row per person and purpose they may use the data for.';
comment on column access.grant_purpose.person_id is 'The person: access.person.';
comment on column access.grant_purpose.purpose is 'The purpose, which is the name of a published schema.';

-- Raw: as the categories of the ingest declared them when this was written

-- Student information (basic)

create table raw.pupil (
    school_id integer not null,
    pupil_id text not null,
    upi text,
    mis_id text,
    forename text,
    middle_names text,
    surname text,
    legal_forename text,
    legal_surname text,
    sex text,
    date_of_birth date,
    upn text,
    former_upn text,
    uln text,
    admission_number text,
    nc_year text,
    part_time boolean,
    admission_date date,
    leaving_date date,
    address_line text,
    town text,
    county text,
    postcode text,
    is_leaver boolean,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id)
);
comment on table raw.pupil is 'One row per pupil enrolment as the partner lists it, current pupils and leavers.';
comment on column raw.pupil.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.pupil.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.pupil.upi is 'Stable person key within the school (a hash made by the partner; not the UPN).';
comment on column raw.pupil.mis_id is 'Id in the school''s MIS.';
comment on column raw.pupil.sex is 'M, F or null; the partner''s word mapped, see the connector.';
comment on column raw.pupil.upn is 'Unique pupil number; may be missing or temporary (last character a letter).';
comment on column raw.pupil.uln is 'Unique learner number.';
comment on column raw.pupil.nc_year is 'National curriculum year as text: N1, R, 1 ... 14, X.';
comment on column raw.pupil.is_leaver is 'True when the partner lists the pupil among its leavers.';
comment on column raw.pupil.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.pupil.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.pupil.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

-- Student demographics (census)

create table raw.pupil_demographics (
    school_id integer not null,
    pupil_id text not null,
    ethnicity text,
    first_language text,
    home_language text,
    eal boolean,
    eal_status text,
    sen_status text,
    fsm boolean,
    fsm6 boolean,
    pupil_premium boolean,
    in_care boolean,
    ever_in_care boolean,
    service_child boolean,
    enrolment_status text,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id)
);
comment on table raw.pupil_demographics is 'One row per pupil: census characteristics as they stand now. Null means not recorded or not permitted; the granted scopes in ops.school_scope tell which.';
comment on column raw.pupil_demographics.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.pupil_demographics.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.pupil_demographics.ethnicity is 'DfE code, or a description in some MISs; kept as received.';
comment on column raw.pupil_demographics.first_language is 'CBDS language code or text, as received.';
comment on column raw.pupil_demographics.eal is 'English as an additional language.';
comment on column raw.pupil_demographics.sen_status is 'N, K, E or a description, as received.';
comment on column raw.pupil_demographics.fsm is 'Currently eligible for free school meals.';
comment on column raw.pupil_demographics.fsm6 is 'Eligible at any time in the last six years.';
comment on column raw.pupil_demographics.in_care is 'Looked after by a local authority now.';
comment on column raw.pupil_demographics.enrolment_status is 'C, M, S, F, O, G or P (CBDS).';
comment on column raw.pupil_demographics.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.pupil_demographics.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.pupil_demographics.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.pupil_sen_need (
    school_id integer not null,
    pupil_id text not null,
    need_id text not null,
    need_type text,
    rank smallint,
    start_date date,
    end_date date,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id, need_id)
);
comment on table raw.pupil_sen_need is 'One row per pupil and special educational need.';
comment on column raw.pupil_sen_need.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.pupil_sen_need.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.pupil_sen_need.need_id is 'The partner''s id of the need.';
comment on column raw.pupil_sen_need.need_type is 'CBDS SEN type: ASD, SEMH, SLCN ...';
comment on column raw.pupil_sen_need.rank is '1 is the primary need.';
comment on column raw.pupil_sen_need.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.pupil_sen_need.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.pupil_status_period (
    school_id integer not null,
    pupil_id text not null,
    kind text not null,
    period_id text not null,
    code text,
    start_date date,
    end_date date,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id, kind, period_id)
);
comment on table raw.pupil_status_period is 'One row per pupil, kind of status and dated period. The partner''s field names here are inferred (source_apis.md 1.6, I).';
comment on column raw.pupil_status_period.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.pupil_status_period.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.pupil_status_period.kind is 'fsm, sen or in_care.';
comment on column raw.pupil_status_period.period_id is 'The partner''s id of the period.';
comment on column raw.pupil_status_period.code is 'SEN provision in the period; null for the other kinds.';
comment on column raw.pupil_status_period.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.pupil_status_period.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

-- Student timetable

create table raw.subject (
    school_id integer not null,
    subject_id text not null,
    code text,
    name text,
    active boolean,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, subject_id)
);
comment on table raw.subject is 'One row per subject the school teaches.';
comment on column raw.subject.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.subject.subject_id is 'The partner''s id of the subject.';
comment on column raw.subject.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.subject.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.subject.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.teaching_group (
    school_id integer not null,
    group_id text not null,
    kind text,
    code text,
    name text,
    subject_id text,
    nc_year text,
    academic_year text,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, group_id)
);
comment on table raw.teaching_group is 'One row per teaching class or registration group.';
comment on column raw.teaching_group.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.teaching_group.group_id is 'The partner''s id of the group or class.';
comment on column raw.teaching_group.kind is 'CLASS for teaching classes, else the partner''s group type: REGISTRATION, HOUSE ...';
comment on column raw.teaching_group.subject_id is 'Subject taught; null for groups that are not classes.';
comment on column raw.teaching_group.academic_year is 'As the partner writes it: 2025/2026.';
comment on column raw.teaching_group.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.teaching_group.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.teaching_group.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.group_pupil (
    school_id integer not null,
    group_id text not null,
    pupil_id text not null,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, group_id, pupil_id)
);
comment on table raw.group_pupil is 'One row per group and pupil in it.';
comment on column raw.group_pupil.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.group_pupil.group_id is 'The partner''s id of the group or class.';
comment on column raw.group_pupil.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.group_pupil.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.group_pupil.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.group_staff (
    school_id integer not null,
    group_id text not null,
    staff_id text not null,
    is_main_teacher boolean,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, group_id, staff_id)
);
comment on table raw.group_staff is 'One row per group and member of staff, by id only: names belong to the staff category.';
comment on column raw.group_staff.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.group_staff.group_id is 'The partner''s id of the group or class.';
comment on column raw.group_staff.staff_id is 'The partner''s id of the member of staff.';
comment on column raw.group_staff.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.group_staff.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

-- Student assessment

create table raw.aspect (
    school_id integer not null,
    aspect_id text not null,
    name text,
    result_type text,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, aspect_id)
);
comment on table raw.aspect is 'One row per aspect: what a result measures.';
comment on column raw.aspect.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.aspect.aspect_id is 'The partner''s id of the aspect (what is assessed).';
comment on column raw.aspect.result_type is 'NUMERIC, GRADE or text, as the partner says.';
comment on column raw.aspect.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.aspect.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.aspect.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.result_set (
    school_id integer not null,
    result_set_id text not null,
    name text,
    start_date date,
    end_date date,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, result_set_id)
);
comment on table raw.result_set is 'One row per result set: the occasion of an assessment.';
comment on column raw.result_set.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.result_set.result_set_id is 'The partner''s id of the result set (when it was assessed).';
comment on column raw.result_set.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.result_set.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.result_set.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.result (
    school_id integer not null,
    result_id text not null,
    pupil_id text,
    aspect_id text,
    result_set_id text,
    value text,
    result_date date,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, result_id)
);
comment on table raw.result is 'One row per pupil, aspect, result set and result. Field names are inferred: read through a path map (source_apis.md 1.8).';
comment on column raw.result.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.result.result_id is 'The partner''s id of the result.';
comment on column raw.result.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.result.aspect_id is 'The partner''s id of the aspect.';
comment on column raw.result.result_set_id is 'The partner''s id of the result set, may be missing.';
comment on column raw.result.value is 'Grade, scaled score or mark as text.';
comment on column raw.result.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.result.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.result.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

-- Student attendance and exclusions

create table raw.attendance_code (
    school_id integer not null,
    code_id text not null,
    code text,
    description text,
    code_type text,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, code_id)
);
comment on table raw.attendance_code is 'One row per code in the school''s own list.';
comment on column raw.attendance_code.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.attendance_code.code_id is 'The partner''s id of the code.';
comment on column raw.attendance_code.code is 'Register code, one or two characters.';
comment on column raw.attendance_code.code_type is 'The partner''s own class of the code; used only where the school has custom codes.';
comment on column raw.attendance_code.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.attendance_code.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.attendance_mark (
    school_id integer not null,
    pupil_id text not null,
    mark_date date not null,
    session text not null,
    code text,
    minutes_late smallint,
    comment text,
    mark_id text,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id, mark_date, session)
);
comment on table raw.attendance_mark is 'One row per pupil, school day and session.';
comment on column raw.attendance_mark.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.attendance_mark.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.attendance_mark.session is 'AM or PM.';
comment on column raw.attendance_mark.code is 'Register code; the partner''s code id already looked up. Null when the id is unknown.';
comment on column raw.attendance_mark.mark_id is 'The partner''s id of the mark.';
comment on column raw.attendance_mark.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.attendance_mark.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.attendance_mark.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.exclusion (
    school_id integer not null,
    exclusion_id text not null,
    pupil_id text,
    type_code text,
    reason_code text,
    start_date date,
    start_session text,
    end_date date,
    end_session text,
    sessions smallint,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, exclusion_id)
);
comment on table raw.exclusion is 'One row per suspension or permanent exclusion.';
comment on column raw.exclusion.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.exclusion.exclusion_id is 'The partner''s id of the exclusion.';
comment on column raw.exclusion.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see upi.';
comment on column raw.exclusion.type_code is 'SUSP, PERM, LNCH, or older codes as received.';
comment on column raw.exclusion.sessions is 'Sessions excluded from.';
comment on column raw.exclusion.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.exclusion.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.exclusion.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

-- Staff information (basic)

create table raw.staff (
    school_id integer not null,
    staff_id text not null,
    upi text,
    mis_id text,
    title text,
    forename text,
    surname text,
    email text,
    is_current boolean,
    is_teacher boolean,
    employment_start_date date,
    employment_end_date date,
    source_updated_at timestamptz,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, staff_id)
);
comment on table raw.staff is 'One row per member of staff.';
comment on column raw.staff.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.staff.staff_id is 'The partner''s id of the member of staff.';
comment on column raw.staff.upi is 'Stable person key within the school.';
comment on column raw.staff.source_updated_at is 'When the partner last saw the row change; null if it does not say.';
comment on column raw.staff.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.staff.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table raw.staff_role (
    school_id integer not null,
    staff_id text not null,
    role_id text not null,
    role text,
    role_code text,
    start_date date,
    end_date date,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, staff_id, role_id)
);
comment on table raw.staff_role is 'One row per member of staff and role held.';
comment on column raw.staff_role.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.staff_role.staff_id is 'The partner''s id of the member of staff.';
comment on column raw.staff_role.role_id is 'The partner''s id of the role.';
comment on column raw.staff_role.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.staff_role.removed_at is 'When a full snapshot first lacked the row; null while it is there.';
