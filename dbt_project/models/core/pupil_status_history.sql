with

period as (

    select * from {{ ref('stg_pupil_status_period') }}

),

version as (

    select * from {{ ref('snapshot__pupil_status') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

sen_status as (

    select * from {{ ref('sen_status') }}

),

-- Two enrolments of one pupil may both carry the period.
in_mis as (

    select
        period.school_id,
        enrolment.pupil_key,
        case period.kind when 'in_care' then 'looked_after' else period.kind end as kind,
        sen_status.sen_status as code,
        -- Without a first day it held on the last one at the latest.
        coalesce(period.start_date, least(enrolment.start_date, period.end_date)) as start_date,
        -- What a former school's file leaves open held until the pupil came: from then on this school's MIS tells.
        case
            when period.period_id like 'file:%' and period.end_date is null and period.start_date < enrolment.start_date
                then enrolment.start_date - 1
            else period.end_date
        end as end_date,
        period.start_date is not null as is_start_known,
        case when period.period_id like 'file:%' then 'file' else 'mis' end as told_by
    from period
    inner join enrolment
        on
            period.school_id = enrolment.school_id
            and period.pupil_id = enrolment.pupil_id
    left join sen_status
        on
            period.kind = 'sen'
            and upper(trim(period.code)) = sen_status.received
    where
        coalesce(period.start_date, enrolment.start_date, period.end_date) is not null
        and (period.end_date is null or period.start_date is null or period.start_date <= period.end_date)

),

flag as (

    select
        version.school_id,
        version.pupil_id,
        version.known_from,
        version.known_to,
        version.is_removed,
        status.kind,
        status.code,
        status.held,
        lag(status.held) over (
            partition by version.school_id, version.pupil_id, status.kind order by version.known_from, version.known_to
        ) as held_before
    from version
    left join sen_status
        on upper(trim(version.sen_status)) = sen_status.received
    cross join
        lateral (
            values
            ('fsm', null, version.fsm),
            ('sen', sen_status.sen_status, sen_status.sen_status <> 'N'),
            ('looked_after', null, version.in_care),
            ('service_child', null, version.service_child)
        ) as status (kind, code, held)
    -- A version that was corrected on the day it came has no day.
    where version.known_to is null or version.known_to::date > version.known_from::date

),

-- What a pupil counted as holds until leaving.
in_platform as (

    select
        flag.school_id,
        enrolment.pupil_key,
        flag.kind,
        flag.code,
        flag.known_from::date as start_date,
        least(flag.known_to::date - 1, enrolment.end_date) as end_date,
        flag.held_before is not null as is_start_known
    from flag
    inner join enrolment
        on
            flag.school_id = enrolment.school_id
            and flag.pupil_id = enrolment.pupil_id
    where
        flag.held and not flag.is_removed
        and (enrolment.end_date is null or flag.known_from::date <= enrolment.end_date)
        and not exists (
            select 1 from in_mis
            where
                flag.school_id = in_mis.school_id
                and enrolment.pupil_key = in_mis.pupil_key
                and flag.kind = in_mis.kind
                and in_mis.code is distinct from 'N'
                -- A former school's file says nothing of what this school's MIS leaves undated.
                and in_mis.told_by = 'mis'
        )

),

dated as (

    select
        school_id,
        pupil_key,
        kind,
        code,
        start_date,
        end_date,
        is_start_known,
        told_by
    from in_mis
    union all
    select
        school_id,
        pupil_key,
        kind,
        code,
        start_date,
        end_date,
        is_start_known,
        'platform' as told_by
    from in_platform

),

-- A pupil's spans are cut wherever one of them begins or ends, ...
edge as (

    select
        school_id,
        pupil_key,
        kind,
        start_date as edge_date
    from dated
    union distinct
    select
        school_id,
        pupil_key,
        kind,
        end_date + 1 as edge_date
    from dated
    where end_date is not null

),

piece as (

    select
        school_id,
        pupil_key,
        kind,
        edge_date as start_date,
        lead(edge_date) over (partition by school_id, pupil_key, kind order by edge_date) - 1 as end_date
    from edge

),

-- ... on each piece the one that began last speaks, which is how SEN support gives way to a plan, ...
laid as (

    select distinct on (piece.school_id, piece.pupil_key, piece.kind, piece.start_date)
        piece.school_id,
        piece.pupil_key,
        piece.kind,
        dated.code,
        piece.start_date,
        piece.end_date,
        dated.told_by,
        dated.is_start_known or dated.start_date < piece.start_date as is_start_known
    from piece
    inner join dated
        on
            piece.school_id = dated.school_id
            and piece.pupil_key = dated.pupil_key
            and piece.kind = dated.kind
            and piece.start_date >= dated.start_date
            and (dated.end_date is null or piece.start_date <= dated.end_date)
    order by
        piece.school_id asc, piece.pupil_key asc, piece.kind asc, piece.start_date asc, dated.start_date desc,
        dated.end_date desc nulls first, dated.code asc, dated.is_start_known desc

),

-- ... and what follows without a day between, and says the same, is one span. A period of no SEN is none.
placed as (

    select
        school_id,
        pupil_key,
        kind,
        code,
        start_date,
        end_date,
        told_by,
        is_start_known,
        (
            lag(end_date) over same_pupil is not distinct from start_date - 1
            and lag(code) over same_pupil is not distinct from code
            and lag(told_by) over same_pupil = told_by
        ) as is_continued
    from laid
    where code is distinct from 'N'
    window same_pupil as (partition by school_id, pupil_key, kind order by start_date)

),

span as (

    select
        school_id,
        pupil_key,
        kind,
        code,
        start_date,
        end_date,
        told_by,
        is_start_known,
        count(*) filter (where not is_continued) over (
            partition by school_id, pupil_key, kind order by start_date
        ) as span_number
    from placed

)

select
    school_id,
    pupil_key,
    kind,
    code,
    min(start_date) as start_date,
    case when bool_and(end_date is not null) then max(end_date) end as end_date,
    told_by,
    (array_agg(is_start_known order by start_date))[1] as is_start_known
from span
group by school_id, pupil_key, kind, code, told_by, span_number
