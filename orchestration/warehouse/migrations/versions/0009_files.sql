create table raw.prior_attendance (
    school_id integer not null,
    pupil_id text not null,
    academic_year integer not null,
    la_code text not null,
    establishment_number text not null,
    sessions_possible smallint,
    sessions_attended smallint,
    sessions_authorised smallint,
    sessions_unauthorised smallint,
    extract_id bigint not null,
    removed_at timestamptz,
    primary key (school_id, pupil_id, academic_year, la_code, establishment_number)
);
comment on table raw.prior_attendance is 'One row per pupil, academic year and school attended in it: totals of former years from Common Transfer Files, of this school or another.';
comment on column raw.prior_attendance.school_id is 'The school the row belongs to: ops.school.';
comment on column raw.prior_attendance.pupil_id is 'The partner''s id of the pupil; changes when a pupil leaves and enrols again, see person_id.';
comment on column raw.prior_attendance.academic_year is '202425 is 2024/25.';
comment on column raw.prior_attendance.la_code is 'Local authority of the school attended, three digits.';
comment on column raw.prior_attendance.establishment_number is 'Number of the school attended, four digits.';
comment on column raw.prior_attendance.sessions_authorised is 'Sessions of authorised absence.';
comment on column raw.prior_attendance.sessions_unauthorised is 'Sessions of unauthorised absence.';
comment on column raw.prior_attendance.extract_id is 'Extract that last inserted, changed, removed or restored the row.';
comment on column raw.prior_attendance.removed_at is 'When a full snapshot first lacked the row; null while it is there.';

create table ops.file (
    file_id bigint generated always as identity primary key,
    school_id integer not null references ops.school,
    kind text not null,
    name text not null,
    sha256 text not null check (length(sha256) = 64),
    loaded_by text not null,
    received_at timestamptz not null default clock_timestamp(),
    state text not null check (state in ('loaded', 'loaded_in_part', 'rejected')),
    rows_good integer not null default 0,
    rows_bad integer not null default 0,
    rows_loaded integer not null default 0,
    rows_left_out integer not null default 0,
    raw_rows_written integer not null default 0,
    raw_rows_removed integer not null default 0,
    replaces bigint references ops.file,
    extract_id bigint references ops.extract,
    run_id text not null
);
create index on ops.file (school_id, sha256);
comment on table ops.file is 'One row per file that somebody loaded or tried to load, in order.';
comment on column ops.file.file_id is 'Number of the file.';
comment on column ops.file.school_id is 'The school: ops.school.';
comment on column ops.file.kind is 'ctf, edi, or the name of a template.';
comment on column ops.file.name is 'Its name, without folders.';
comment on column ops.file.sha256 is 'Hash of its contents: the same file is loaded once.';
comment on column ops.file.loaded_by is 'Who loaded it.';
comment on column ops.file.received_at is 'When.';
comment on column ops.file.state is 'loaded; loaded_in_part: its good rows are, the bad ones are not; rejected: nothing is.';
comment on column ops.file.rows_good is 'Rows with nothing wrong: lines of a template, records, or items of a transfer file.';
comment on column ops.file.rows_bad is 'Rows with a fault in ops.file_fault.';
comment on column ops.file.rows_loaded is 'Good rows that are in raw now, whether they were before or not.';
comment on column ops.file.rows_left_out is 'Rows that are right and of no use: an example, an empty line, a raw mark.';
comment on column ops.file.raw_rows_written is 'Rows of raw that were inserted, changed or restored.';
comment on column ops.file.raw_rows_removed is 'Rows of raw that only the replaced file had brought, marked as removed.';
comment on column ops.file.replaces is 'The file that this one corrects; null for one that stands alone.';
comment on column ops.file.extract_id is 'The extract with which it was archived; null when it could not be read. A file of several categories has an extract for each, of one run.';
comment on column ops.file.run_id is 'The run of its extracts: ops.extract.';

create table ops.file_fault (
    file_id bigint not null references ops.file on delete cascade,
    fault_no integer not null,
    is_warning boolean not null,
    line integer not null,
    column_name text not null,
    rule text not null,
    message text not null,
    what_to_do text not null,
    primary key (file_id, fault_no)
);
comment on table ops.file_fault is 'One row per thing that is wrong with a file, in the order of its lines.';
comment on column ops.file_fault.file_id is 'The file: ops.file.';
comment on column ops.file_fault.fault_no is 'Its place in the report, from 1.';
comment on column ops.file_fault.is_warning is 'Whether the file was read in spite of it.';
comment on column ops.file_fault.line is 'Line of the file, from 1.';
comment on column ops.file_fault.column_name is 'Column, element or field.';
comment on column ops.file_fault.rule is 'Id of the rule that was broken; see docs/files.md.';
comment on column ops.file_fault.message is 'What is wrong.';
comment on column ops.file_fault.what_to_do is 'What to change.';

create table ops.exam_number (
    school_id integer not null references ops.school,
    kind text not null check (kind in ('uci', 'candidate_number')),
    number text not null,
    exam_year integer not null,
    person_id text not null,
    file_id bigint not null references ops.file,
    primary key (school_id, kind, number, exam_year)
);
comment on table ops.exam_number is 'One row per number by which awarding organisations know a pupil of a school; learned from files that name the pupil otherwise too.';
comment on column ops.exam_number.school_id is 'The school: ops.school.';
comment on column ops.exam_number.kind is 'uci, for life; or candidate_number, of one year.';
comment on column ops.exam_number.number is 'The number.';
comment on column ops.exam_number.exam_year is 'Academic year of a candidate number, 202425; 0 for a UCI.';
comment on column ops.exam_number.person_id is 'The pupil: raw.pupil.person_id.';
comment on column ops.exam_number.file_id is 'The file that said so last: ops.file.';

create table ops.exam_centre (
    school_id integer primary key references ops.school,
    centre_number text not null check (centre_number ~ '^[0-9]{5}$'),
    set_by text not null,
    set_at timestamptz not null default now()
);
comment on table ops.exam_centre is 'One row per school whose number as an examination centre has been told.';
comment on column ops.exam_centre.school_id is 'The school: ops.school.';
comment on column ops.exam_centre.centre_number is 'National centre number, five digits.';
comment on column ops.exam_centre.set_by is 'Who told it.';
comment on column ops.exam_centre.set_at is 'When.';
