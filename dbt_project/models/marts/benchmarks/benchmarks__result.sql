{{ result_mart(current_only=true) }}
