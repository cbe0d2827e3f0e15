create index attendance_mark_by_extract on raw.attendance_mark (school_id, extract_id);
comment on index raw.attendance_mark_by_extract is 'What an extract changed: core.pupil_day reads no other mark in a nightly run.';

-- Made again whole by the next run: a mark that was retried before retries had extracts of their own may be older than
-- what the table holds of its school, and the table has to have its own index by extract.
drop table if exists core.pupil_day cascade;
