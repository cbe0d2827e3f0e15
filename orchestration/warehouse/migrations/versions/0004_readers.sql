-- Who may read which school. History: never edited once it has run on anybody's data; a change is the next migration.

create table access.login (
    role_name text primary key check (length(role_name) between 1 and 63),
    person_id bigint not null unique references access.person on delete cascade,
    created_at timestamptz not null default now()
);
comment on table access.login is 'One row per person who may log in to the database: the role that is theirs and nobody else''s.';
comment on column access.login.role_name is 'Name of the database role; belongs to the server, which other databases share.';
comment on column access.login.person_id is 'The person: access.person.';
comment on column access.login.created_at is 'When the role was made.';

create table access.person_event (
    event_id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    actor text not null,
    person_id bigint not null,
    email text not null,
    action text not null check (
        action in ('added', 'granted', 'revoked', 'removed', 'login created', 'password renewed', 'login dropped')
    ),
    details jsonb not null default '{}'
);
create index on access.person_event (person_id);
comment on table access.person_event is 'One row per change of a person''s rights. Append-only; outlives the person.';
comment on column access.person_event.event_id is 'Number of the event, in order of writing.';
comment on column access.person_event.occurred_at is 'When.';
comment on column access.person_event.actor is 'Who changed it: the operating system''s user of the command.';
comment on column access.person_event.person_id is 'The person, who may be gone from access.person.';
comment on column access.person_event.email is 'The person''s address at the time.';
comment on column access.person_event.action is 'What was done.';
comment on column access.person_event.details is 'What was given or taken: school_ids, purposes, named, small_groups, role_name.';

create function access.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception using
        message = tg_table_name || ' is append-only: write another event instead', errcode = 'restrict_violation';
end
$$;
comment on function access.refuse_change() is 'Keeps an append-only table from being changed.';
create trigger append_only before update or delete or truncate on access.person_event
for each statement execute function access.refuse_change();

-- By session_user, which `set role` does not change and only a superuser can; current_user is here the owner of this
-- function, the platform. The setting mis.person_id counts for sessions of the platform alone, so that the person who
-- logs in as themselves can put whatever they like into it.
create function access.readable_schools() returns integer[]
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
return (
    with

    reader as (
        select
            coalesce(
                (select l.person_id from access.login as l where l.role_name = session_user),
                case
                    when pg_has_role(session_user, current_user, 'member')
                        then nullif(current_setting('mis.person_id', true), '')::bigint
                end
            ) as person_id
    )

    select
        coalesce(
            case
                when reader.person_id is not null then (
                    select array_agg(g.school_id order by g.school_id)
                    from access.grant_school as g
                    where g.person_id = reader.person_id
                )
                when pg_has_role(session_user, current_user, 'member') or exists (
                    select
                    from pg_roles as r
                    where
                        r.rolname in ('mis_every_school', 'mis_operator')
                        and pg_has_role(session_user, r.oid, 'member')
                ) then (
                    select array_agg(s.school_id order by s.school_id)
                    from ops.school as s
                )
            end,
            '{}'
        )
    from reader
);
comment on function access.readable_schools() is
'Schools whose rows this session may read: those of the person whose login it is, or for whom the platform reads (mis.person_id); every school for the platform itself, operators and mis_every_school; none for anybody else.';
