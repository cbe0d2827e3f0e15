-- The three schools of the example of methodology 3.2: totals more than the reasons, the same, and fewer.
with

example as (

    select *
    from (
        values
        ('A', 42, 15, 35, 50),
        ('B', 50, 30, 10, 50),
        ('C', 25, 20, 5, 25)
    ) as school (name, reasons, authorised, unauthorised, absence)

)

select *
from example
where {{ census_absence('reasons', 'authorised', 'unauthorised') }} <> absence
