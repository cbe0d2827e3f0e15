{{ result_mart(current_only=false) }}
