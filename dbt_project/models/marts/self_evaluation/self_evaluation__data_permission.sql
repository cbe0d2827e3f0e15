{{ data_permission_mart(
    attributes=[
        'sex', 'is_fsm', 'is_fsm6', 'is_disadvantaged', 'sen_status', 'is_eal', 'ethnicity_group', 'upn'
    ]
) }}
