{% snapshot snapshot__pupil_upn %}

{{ config(check_cols=['upn', 'former_upn', 'is_removed']) }}

with

pupil as (

    select * from {{ source('raw', 'pupil') }}

),

extract as (

    select * from {{ source('ops', 'extract') }}

)

select
    pupil.school_id,
    pupil.pupil_id,
    upper(pupil.upn) as upn,
    upper(pupil.former_upn) as former_upn,
    pupil.removed_at is not null as is_removed,
    {{ learned_at('extract') }} as learned_at
from pupil
left join extract
    on pupil.extract_id = extract.extract_id

{% endsnapshot %}
