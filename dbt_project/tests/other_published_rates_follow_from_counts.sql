-- Published rates outside the daily series that our macro does not give to the last digit: suspensions, and absence of
-- four-year-olds in autumn 2024/25 (census: absence sessions, possible sessions, per cent).
with

published_suspension as (

    select * from {{ ref('published_suspension') }}

),

figure as (

    select
        academic_year || ' ' || period || ' ' || phase || ' suspensions' as what,
        {{ percentage('suspensions', 'headcount', places=16) }} as rate,
        suspension_rate as published
    from published_suspension
    where headcount is not null
    union all
    select
        academic_year || ' ' || period || ' ' || phase || ' permanent' as what,
        {{ percentage('permanent_exclusions', 'headcount', places=16) }} as rate,
        permanent_exclusion_rate as published
    from published_suspension
    where headcount is not null and permanent_exclusions is not null
    union all
    select
        printed.what,
        {{ percentage('printed.absence_sessions', 'printed.possible_sessions', places=16) }} as rate,
        printed.published
    from (
        values
        ('four-year-olds, all phases', 5265728, 79937741, 6.58729),
        ('four-year-olds, primary', 5113217, 78309381, 6.52951)
    ) as printed (what, absence_sessions, possible_sessions, published)

)

select *
from figure
where round(rate, scale(published)) is distinct from published
