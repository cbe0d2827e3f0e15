"""School MIS data, from the partners' APIs to published marts."""
