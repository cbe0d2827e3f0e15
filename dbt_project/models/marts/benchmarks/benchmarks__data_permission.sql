{{ data_permission_mart(
    attributes=[
        'sex', 'is_fsm', 'is_fsm6', 'is_disadvantaged', 'sen_status', 'is_eal', 'first_language', 'ethnicity_group',
        'is_looked_after', 'is_service_child', 'upn'
    ]
) }}
