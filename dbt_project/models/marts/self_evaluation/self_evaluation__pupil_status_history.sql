{{ pupil_status_history_mart() }}
