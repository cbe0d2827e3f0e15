"""What partners tell us unasked: that a school approves, revokes, declines, or changes its MIS."""
