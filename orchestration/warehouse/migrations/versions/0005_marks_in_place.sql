-- The register of a year is written from marks in whatever order they come. History: never edited once it has run on
-- anybody's data.

create schema if not exists core;

do $$
begin
    execute 'create aggregate core.laid_in_place(place integer, letter integer)'
        ' (sfunc = set_byte, stype = bytea, initcond = ' || quote_literal(repeat(' ', 756)) || ')';
end
$$;
comment on aggregate core.laid_in_place(integer, integer) is 'A year of 756 half-days, blank but for the letters (ASCII) laid at their places (from 0): core.register_year. Needs no order, so no sort of the marks.';

-- core.register_year reads the marks themselves.
drop table if exists core.pupil_day cascade;
comment on index raw.attendance_mark_by_extract is 'What an extract changed: core.register_year reads no other mark in a nightly run.';
