{{ pupil_name_mart(current_only=true) }}
