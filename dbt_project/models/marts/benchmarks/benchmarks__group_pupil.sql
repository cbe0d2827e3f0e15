{{ group_pupil_mart(current_only=true) }}
