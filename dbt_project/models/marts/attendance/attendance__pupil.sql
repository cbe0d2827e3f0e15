{{ pupil_mart(
    current_only=false,
    characteristics=[
        'is_fsm', 'is_fsm6', 'is_disadvantaged', 'sen_status', 'is_eal', 'ethnicity_group', 'enrolment_status'
    ]
) }}
