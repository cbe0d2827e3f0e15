create index attendance_mark_by_extract on raw.attendance_mark (school_id, extract_id);
comment on index raw.attendance_mark_by_extract is 'What an extract changed: core.pupil_day reads no other mark in a nightly run.';
