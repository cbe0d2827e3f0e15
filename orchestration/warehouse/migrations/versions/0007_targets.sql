-- Targets and who may set them. History: never edited once it has run on anybody's data; a change is the next migration.

-- Rights

alter table access.person add column can_view_special_category boolean not null default false;
comment on column access.person.can_view_special_category is 'Whether pupils'' special-category data (ethnicity, language, SEND) may be shown to this person, in relations whose name ends in _special.';
comment on column access.person_event.details is 'What was given or taken: school_ids, purposes, named, small_groups, special_category, target_tasks, role_name.';

create table access.grant_target (
    person_id bigint not null references access.person on delete cascade,
    school_id integer not null references ops.school on delete cascade,
    task text not null check (task in ('edit', 'review', 'approve', 'lock', 'policy')),
    subject text not null default '*',
    primary key (person_id, school_id, task, subject)
);
create index on access.grant_target (school_id);
comment on table access.grant_target is 'One row per person, school, task of target setting and subject in which they may do it.';
comment on column access.grant_target.person_id is 'The person: access.person.';
comment on column access.grant_target.school_id is 'The school: ops.school.';
comment on column access.grant_target.task is 'edit: propose targets; review: for the subject; approve: for the school''s leaders; lock; policy: how targets are pre-populated.';
comment on column access.grant_target.subject is 'Subject, as estimates name it; * is every subject.';

-- Policies and targets: append-only

create schema targets;
comment on schema targets is 'Target setting: policies and targets, as append-only logs (docs/targets.md).';

create table targets.policy_entry (
    entry_id bigint generated always as identity primary key,
    school_id integer references ops.school,
    trust_uid text,
    academic_year integer not null check (academic_year between 200001 and 209900),
    nc_year text,
    qualification text,
    subject text,
    is_withdrawn boolean not null default false,
    is_included boolean not null,
    challenge_levels numeric(5, 2)[] not null,
    offset_points numeric(6, 2) not null,
    rounding text not null check (rounding in ('nearest', 'up', 'down')),
    floor text not null check (floor in ('none', 'prepopulated', 'previous', 'grade')),
    floor_grade text,
    who_may_edit text not null check (who_may_edit in ('editors', 'approvers', 'nobody')),
    reason text not null check (length(reason) between 1 and 500),
    set_by text not null,
    set_at timestamptz not null default now(),
    check (num_nonnulls(school_id, trust_uid) = 1),
    check (subject is null or qualification is not null),
    check (cardinality(challenge_levels) between 1 and 2),
    check (0 < all (challenge_levels) and 100 > all (challenge_levels)),
    check ((floor = 'grade') = (floor_grade is not null))
);
create index on targets.policy_entry (school_id, academic_year);
create index on targets.policy_entry (trust_uid, academic_year);
comment on table targets.policy_entry is 'One row per statement of how targets of a scope are pre-populated and who may change them. Append-only: the latest entry of a scope holds, the most specific scope wins.';
comment on column targets.policy_entry.entry_id is 'Number of the entry, in order of writing.';
comment on column targets.policy_entry.school_id is 'The school: ops.school; null in a trust''s default.';
comment on column targets.policy_entry.trust_uid is 'The trust whose schools it is the default of: core.school; null in a school''s own.';
comment on column targets.policy_entry.academic_year is 'Academic year as 202526.';
comment on column targets.policy_entry.nc_year is 'National curriculum year as the pupils'' marts write it; null is every year group.';
comment on column targets.policy_entry.qualification is 'Qualification, as estimates name it; null is every one.';
comment on column targets.policy_entry.subject is 'Subject, as estimates name it; null is every one.';
comment on column targets.policy_entry.is_withdrawn is 'The scope has no policy of its own any more; a wider one holds.';
comment on column targets.policy_entry.is_included is 'Whether targets are set in it at all.';
comment on column targets.policy_entry.challenge_levels is 'Per cent of schools that do better: one level, or two whose mid-point is meant.';
comment on column targets.policy_entry.offset_points is 'Points added to the estimate, before rounding; may be negative.';
comment on column targets.policy_entry.rounding is 'To a grade of the scale: nearest (half way goes up), up or down.';
comment on column targets.policy_entry.floor is 'What a target may not be below: none, the prepopulated one, the pupil''s previous year''s, or a grade.';
comment on column targets.policy_entry.floor_grade is 'The grade, where floor is grade.';
comment on column targets.policy_entry.who_may_edit is 'editors: whoever has the task edit; approvers: of those, who has approve as well; nobody: pre-populated targets stand.';
comment on column targets.policy_entry.reason is 'Why, in plain English.';
comment on column targets.policy_entry.set_by is 'Who set it: their e-mail address.';
comment on column targets.policy_entry.set_at is 'When.';

create table targets.target_entry (
    school_id integer not null references ops.school,
    pupil_key bigint not null,
    academic_year integer not null,
    qualification text not null,
    subject text not null,
    version integer not null check (version > 0),
    act text not null check (
        act in ('prepopulate', 'propose', 'submit', 'review', 'approve', 'reject', 'lock', 'roll over', 'supersede')
    ),
    status text not null check (
        status in ('prepopulated', 'proposed', 'subject_reviewed', 'approved', 'locked', 'superseded', 'rejected')
    ),
    grade text not null,
    points numeric(6, 2) not null,
    source text not null check (source in ('policy', 'teacher', 'import', 'rollover')),
    proposed_by text,
    prepopulated_points numeric(6, 2),
    policy_entry_id bigint references targets.policy_entry,
    challenge_levels numeric(5, 2)[] not null,
    run_id text,
    estimate_grades text[],
    estimate_points numeric(6, 2),
    chance_at_set double precision check (chance_at_set between 0 and 1),
    rationale text check (length(rationale) <= 500),
    comment text check (length(comment) <= 500),
    set_by text not null,
    set_at timestamptz not null default now(),
    primary key (school_id, pupil_key, academic_year, qualification, subject, version),
    check (proposed_by is not null or source in ('policy', 'rollover')),
    check (num_nulls(run_id, estimate_grades, estimate_points, chance_at_set) in (0, 4))
);
comment on table targets.target_entry is 'One row per version of a target: the whole of it after an act. Append-only; the highest version stands. Two who act at once on the same version meet on the key.';
comment on column targets.target_entry.school_id is 'The school: ops.school.';
comment on column targets.target_entry.pupil_key is 'Key of the pupil within the school.';
comment on column targets.target_entry.academic_year is 'Academic year for which it is set, as 202526.';
comment on column targets.target_entry.qualification is 'Qualification, as estimates name it.';
comment on column targets.target_entry.subject is 'Subject, as estimates name it.';
comment on column targets.target_entry.version is 'Counts up from 1.';
comment on column targets.target_entry.act is 'What was done.';
comment on column targets.target_entry.status is 'Where the target stands afterwards.';
comment on column targets.target_entry.grade is 'The target, a grade of the qualification''s scale.';
comment on column targets.target_entry.points is 'Its points.';
comment on column targets.target_entry.source is 'Where the grade comes from: policy, teacher, import (a file), rollover (last year''s).';
comment on column targets.target_entry.proposed_by is 'Who stands for the grade and may therefore not approve it; null while it is the policy''s and nobody has submitted it.';
comment on column targets.target_entry.prepopulated_points is 'Points that the policy gave last; null when it gave none.';
comment on column targets.target_entry.policy_entry_id is 'Policy in force when the grade was set; null is the platform''s default.';
comment on column targets.target_entry.challenge_levels is 'Its challenge levels: per cent of schools that do better.';
comment on column targets.target_entry.run_id is 'Run of the estimate that stood when the grade was set: estimates.lookup_run; null without an estimate.';
comment on column targets.target_entry.estimate_grades is 'The estimate then, a grade for each of challenge_levels.';
comment on column targets.target_entry.estimate_points is 'Mean of their points.';
comment on column targets.target_entry.chance_at_set is 'Chance, 0 to 1, of the target or better then: mean over challenge_levels.';
comment on column targets.target_entry.rationale is 'Why this grade. No health, no suspicion.';
comment on column targets.target_entry.comment is 'What was said with this act: why rejected, why changed after the lock.';
comment on column targets.target_entry.set_by is 'Who acted: their e-mail address.';
comment on column targets.target_entry.set_at is 'When.';

create trigger append_only before update or delete on targets.policy_entry
    for each row execute function ops.refuse_to_rewrite();
create trigger append_only_whole before truncate on targets.policy_entry
    for each statement execute function ops.refuse_to_rewrite();
create trigger append_only before update or delete on targets.target_entry
    for each row execute function ops.refuse_to_rewrite();
create trigger append_only_whole before truncate on targets.target_entry
    for each statement execute function ops.refuse_to_rewrite();

-- With its reader's rights, so that the row policies of target_entry hold for whoever reads the view.
create view targets.current_target with (security_invoker = true) as
select distinct on (school_id, pupil_key, academic_year, qualification, subject)
    school_id, pupil_key, academic_year, qualification, subject, version, act, status, grade, points, source, proposed_by,
    prepopulated_points, policy_entry_id, challenge_levels, run_id, estimate_grades, estimate_points, chance_at_set,
    rationale, comment, set_by, set_at
from targets.target_entry
order by school_id, pupil_key, academic_year, qualification, subject, version desc;
comment on view targets.current_target is 'One row per target: its latest version.';
