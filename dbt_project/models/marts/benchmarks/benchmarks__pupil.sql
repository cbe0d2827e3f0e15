{{ pupil_mart(current_only=true, characteristics=['is_fsm6', 'is_disadvantaged']) }}
