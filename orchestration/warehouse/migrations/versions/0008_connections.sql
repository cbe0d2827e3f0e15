-- Consent

create table ops.connection (
    connection_id integer generated always as identity primary key,
    school_id integer not null references ops.school,
    application text not null,
    partner text not null,
    partner_school_id text not null,
    state text not null check (state in ('approved', 'pending', 'revoked', 'declined', 'audited', 'offline')),
    state_since timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    delete_after timestamptz,
    unique (application, partner, partner_school_id)
);
create index on ops.connection (school_id);
comment on table ops.connection is 'One row per school, application of ours and partner through which the school has been asked: the ledger''s present state.';
comment on column ops.connection.connection_id is 'Number of the connection.';
comment on column ops.connection.school_id is 'The school: ops.school.';
comment on column ops.connection.application is 'Our application as it is registered with the partner: MIS_APPLICATION.';
comment on column ops.connection.partner is 'The partner: wonde or groupcall.';
comment on column ops.connection.partner_school_id is 'The partner''s id of the school.';
comment on column ops.connection.state is 'Permission at the partner: only approved connections are read.';
comment on column ops.connection.state_since is 'When the platform first saw this state.';
comment on column ops.connection.seen_at is 'When the partner was last asked about the school.';
comment on column ops.connection.delete_after is 'When what came from the school may be deleted, because it revoked; null while it has not.';

create table ops.connection_scope (
    connection_id integer not null references ops.connection,
    scope text not null,
    granted boolean not null,
    since timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    primary key (connection_id, scope)
);
comment on table ops.connection_scope is 'One row per connection and scope that the partner knows: what the school grants now.';
comment on column ops.connection_scope.connection_id is 'The connection: ops.connection.';
comment on column ops.connection_scope.scope is 'The partner''s name of the scope.';
comment on column ops.connection_scope.granted is 'Whether the school grants it; a column of a scope not granted is null in raw.';
comment on column ops.connection_scope.since is 'When the platform first saw it granted, or not granted, as it is now.';
comment on column ops.connection_scope.seen_at is 'When the partner was last asked.';

create table ops.connection_event (
    event_id bigint generated always as identity primary key,
    connection_id integer not null references ops.connection,
    happened_at timestamptz not null default clock_timestamp(),
    kind text not null check (kind in ('state', 'scope', 'migration', 'serving', 'deletion')),
    scope text,
    before text,
    after text,
    learned_from text not null check (learned_from in ('poll', 'webhook', 'form', 'operator', 'platform')),
    reason text
);
create index on ops.connection_event (connection_id, event_id);
comment on table ops.connection_event is 'One row per change of a connection, for ever: the ledger of consent. Rows are only added.';
comment on column ops.connection_event.event_id is 'Number of the event; later events have higher ones.';
comment on column ops.connection_event.connection_id is 'The connection: ops.connection.';
comment on column ops.connection_event.happened_at is 'When the platform learned of it.';
comment on column ops.connection_event.kind is 'state: permission changed; scope: a scope was granted or withdrawn; migration: the school changes its MIS; serving: the school is read through this connection from now on; deletion: its data were deleted.';
comment on column ops.connection_event.scope is 'The scope that changed; null for the other kinds.';
comment on column ops.connection_event.before is 'What it was: a state, granted or not granted, an MIS; null when it was not known.';
comment on column ops.connection_event.after is 'What it is now.';
comment on column ops.connection_event.learned_from is 'poll: the partner''s lists; webhook and form: the partner told us; operator: a command; platform: our own rules.';
comment on column ops.connection_event.reason is 'The reason given, if one was.';

create function ops.keep_connection_event() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger of consent is only added to' using errcode = 'restrict_violation';
end
$$;
create trigger keep before update or delete on ops.connection_event
for each row execute function ops.keep_connection_event();

-- Sources of ids

create table ops.source (
    source_id integer generated always as identity primary key,
    school_id integer not null references ops.school,
    partner text not null,
    partner_school_id text,
    mis text,
    first_seen_at timestamptz not null default now(),
    unique nulls not distinct (school_id, partner, partner_school_id, mis)
);
comment on table ops.source is 'One row per school and origin of ids: a partner in front of an MIS, or files. With another partner or another MIS all ids change.';
comment on column ops.source.source_id is 'Number of the source.';
comment on column ops.source.school_id is 'The school: ops.school.';
comment on column ops.source.partner is 'The partner, or file.';
comment on column ops.source.partner_school_id is 'The partner''s id of the school; null for files.';
comment on column ops.source.mis is 'The MIS the ids come from; null when it is not known, and for files.';
comment on column ops.source.first_seen_at is 'When the platform first met it.';

create table ops.record_alias (
    school_id integer not null references ops.school,
    source_id integer not null references ops.source,
    table_name text not null,
    source_record_id text not null,
    record_id text not null,
    matched_on text not null,
    matched_at timestamptz not null default now(),
    primary key (school_id, source_id, table_name, source_record_id)
);
-- Two records of a later source are never one of raw; but one person may have two numbers in the later MIS.
create unique index on ops.record_alias (school_id, source_id, table_name, record_id) where table_name <> 'person';
comment on table ops.record_alias is 'One row per record that a later source of a school calls by another id than raw does: what it is called in raw, where the record keeps its first id.';
comment on column ops.record_alias.school_id is 'The school: ops.school.';
comment on column ops.record_alias.source_id is 'The later source: ops.source.';
comment on column ops.record_alias.table_name is 'Table in schema raw whose rows are such records.';
comment on column ops.record_alias.source_record_id is 'The later source''s id of the record.';
comment on column ops.record_alias.record_id is 'Its id in raw.';
comment on column ops.record_alias.matched_on is 'By what the two were found to be one: upn and date of birth, names and date of birth, the members of a natural key, or operator.';
comment on column ops.record_alias.matched_at is 'When.';

create table ops.lost_pupil (
    school_id integer not null references ops.school,
    source_id integer not null references ops.source,
    pupil_id text not null,
    lost_at timestamptz not null default now(),
    primary key (school_id, source_id, pupil_id)
);
comment on table ops.lost_pupil is 'One row per pupil who was on roll before a school moved to a later source, and was not found again in it.';
comment on column ops.lost_pupil.school_id is 'The school: ops.school.';
comment on column ops.lost_pupil.source_id is 'The later source: ops.source.';
comment on column ops.lost_pupil.pupil_id is 'The pupil''s id in raw.';
comment on column ops.lost_pupil.lost_at is 'When the first full reading of the later source lacked the pupil.';

alter table ops.school add column source_id integer references ops.source;
comment on column ops.school.source_id is 'The source whose ids the school''s next extract brings: ops.source; null before the first registration.';

insert into ops.connection (school_id, application, partner, partner_school_id, state, state_since, seen_at)
select school_id, 'mis', partner, partner_school_id, state, coalesce(state_since, now()), coalesce(seen_at, now())
from ops.school;
insert into ops.connection_event (connection_id, happened_at, kind, after, learned_from, reason)
select connection_id, state_since, 'state', state, 'poll', 'known before the ledger was kept'
from ops.connection;
insert into ops.connection_scope (connection_id, scope, granted, since, seen_at)
select connection.connection_id, known.scope, known.granted, coalesce(known.seen_at, now()), coalesce(known.seen_at, now())
from ops.school_scope as known
inner join ops.connection as connection using (school_id);
insert into ops.source (school_id, partner, partner_school_id, mis)
select school_id, partner, partner_school_id, mis
from ops.school;
update ops.school set source_id = source.source_id
from ops.source as source
where source.school_id = school.school_id;

drop table ops.school_scope;
create view ops.school_scope as
select school.school_id, known.scope, known.granted, known.seen_at
from ops.school as school
inner join ops.connection as connection
    on connection.school_id = school.school_id
    and connection.partner = school.partner
    and connection.partner_school_id = school.partner_school_id
inner join ops.connection_scope as known using (connection_id);
comment on view ops.school_scope is 'One row per school and scope that the partner knows which serves it: what the school has granted.';
comment on column ops.school_scope.school_id is 'The school: ops.school.';
comment on column ops.school_scope.scope is 'The partner''s name of the scope.';
comment on column ops.school_scope.granted is 'Whether the school has granted it; a column of a scope not granted is null in raw.';
comment on column ops.school_scope.seen_at is 'When the partner was last asked.';

create view ops.withdrawn_school as
select school_id
from ops.school
where state in ('revoked', 'declined');
comment on view ops.withdrawn_school is 'One row per school that has revoked or declined: no model has it from the next build on. One that is only away (offline, paused) is not here.';
comment on column ops.withdrawn_school.school_id is 'The school: ops.school.';

create table ops.purpose_category (
    purpose text not null,
    category text not null,
    primary key (purpose, category)
);
comment on table ops.purpose_category is 'One row per purpose and category it may read: the binding table of the brief, as orchestration.ingest.categories has it.';
comment on column ops.purpose_category.purpose is 'The purpose, by the schema its marts are published in.';
comment on column ops.purpose_category.category is 'Category of MIS data.';
insert into ops.purpose_category (purpose, category) values
    ('provisioning', 'staff'),
    ('self_evaluation', 'assessment'),
    ('self_evaluation', 'attendance'),
    ('self_evaluation', 'basic'),
    ('self_evaluation', 'demographics'),
    ('self_evaluation', 'timetable'),
    ('benchmarks', 'assessment'),
    ('benchmarks', 'attendance'),
    ('benchmarks', 'basic'),
    ('benchmarks', 'demographics'),
    ('benchmarks', 'timetable'),
    ('tracking', 'assessment'),
    ('tracking', 'attendance'),
    ('tracking', 'basic'),
    ('tracking', 'demographics'),
    ('tracking', 'timetable'),
    ('attendance', 'attendance'),
    ('attendance', 'basic'),
    ('attendance', 'demographics');

create view ops.data_use as
select
    school.school_id,
    school.name,
    connection.application,
    purpose.purpose,
    category.category,
    allowed.purpose is not null and connection.state = 'approved' and read.last_read is not null as is_used,
    connection.state,
    case when connection.state = 'approved' then connection.state_since end as since,
    read.last_read
from ops.school as school
inner join ops.connection as connection
    on connection.school_id = school.school_id
    and connection.partner = school.partner
    and connection.partner_school_id = school.partner_school_id
cross join (select distinct purpose from ops.purpose_category) as purpose
cross join (select distinct category from ops.purpose_category) as category
left join ops.purpose_category as allowed
    on allowed.purpose = purpose.purpose and allowed.category = category.category
left join lateral (
    select max(extract.finished_at) as last_read
    from ops.extract as extract
    where extract.school_id = school.school_id and extract.category = category.category
        and extract.state = 'loaded' and extract.rows_extracted > 0
) as read on true;
comment on view ops.data_use is 'One row per school, purpose of ours and category of MIS data: whether that purpose uses that category of the school''s data. What a school is shown when it asks.';
comment on column ops.data_use.school_id is 'The school: ops.school.';
comment on column ops.data_use.name is 'Its name.';
comment on column ops.data_use.application is 'Our application that the school was asked for.';
comment on column ops.data_use.purpose is 'The purpose, by the schema its marts are published in.';
comment on column ops.data_use.category is 'Category of MIS data.';
comment on column ops.data_use.is_used is 'Whether the purpose may read the category, the school lets us read, and something was read.';
comment on column ops.data_use.state is 'Permission at the partner that serves the school.';
comment on column ops.data_use.since is 'Since when the school has approved; null while it does not.';
comment on column ops.data_use.last_read is 'When the category was last read with at least one row; null when it never was.';

create table ops.agenda (
    school_id integer not null references ops.school,
    category text not null,
    due_at timestamptz not null,
    primary key (school_id, category)
);
create index on ops.agenda (due_at);
comment on table ops.agenda is 'One row per approved school and category: when it is to be extracted next, as the scheduler last worked it out.';
comment on column ops.agenda.school_id is 'The school: ops.school.';
comment on column ops.agenda.category is 'Category of MIS data.';
comment on column ops.agenda.due_at is 'Not before then; a time that has passed means at the next chance that the budget of requests leaves.';

-- Extracts

alter table ops.extract add column source_id integer references ops.source;
update ops.extract set source_id = school.source_id
from ops.school as school
where school.school_id = extract.school_id;
alter table ops.extract alter column source_id set not null;
comment on column ops.extract.source_id is 'The source it was read from: ops.source. Only a reading of the same source can show that a row has gone.';

alter table ops.watermark add column cursors jsonb not null default '{}';
comment on column ops.watermark.cursors is 'By stream, the partner''s name of the point up to which it was read, where it tracks changes by such names.';

alter table ops.watermark add column covers_from date;
comment on column ops.watermark.covers_from is 'The day before which nothing has been read yet; null when all years have.';

-- Pupils

alter table raw.pupil add column person_id text;
comment on column raw.pupil.person_id is 'The person within the school, over enrolments, partners and MISs: the id in the MIS in which the pupil was first seen.';
update raw.pupil set person_id = coalesce(mis_id, upi);
comment on column raw.pupil.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.pupil_demographics.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.pupil_sen_need.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.pupil_status_period.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.group_pupil.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.result.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.attendance_mark.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.exclusion.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
