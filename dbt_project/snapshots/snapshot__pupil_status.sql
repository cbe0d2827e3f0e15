{% snapshot snapshot__pupil_status %}

{{ config(check_cols=[
    'fsm', 'fsm6', 'sen_status', 'eal', 'in_care', 'ever_in_care', 'service_child', 'enrolment_status', 'is_removed'
]) }}

with

demographics as (

    select * from {{ source('raw', 'pupil_demographics') }}

),

extract as (

    select * from {{ source('ops', 'extract') }}

)

-- Of every school, whatever its state: staging hides one that withdraws, and its pupils have not left for that.
select
    demographics.school_id,
    demographics.pupil_id,
    demographics.fsm,
    demographics.fsm6,
    demographics.sen_status,
    demographics.eal,
    demographics.in_care,
    demographics.ever_in_care,
    demographics.service_child,
    demographics.enrolment_status,
    demographics.removed_at is not null as is_removed,
    {{ learned_at('extract') }} as learned_at
from demographics
left join extract
    on demographics.extract_id = extract.extract_id

{% endsnapshot %}
