{{ pupil_mart(current_only=true) }}
