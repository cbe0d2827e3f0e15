{{ pupil_mart(current_only=false) }}
