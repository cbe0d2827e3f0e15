"""What a school holds at a view's moment, whichever partner passes it on.

Partners differ in shape, spelling and ids; what is on a register, in a group or on a mark sheet is worked out here,
once.
"""
