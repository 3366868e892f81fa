"""The expansion for 2.x (0002 to 0006) and, run later by `contract`, its contraction (0007 to 0009)."""
