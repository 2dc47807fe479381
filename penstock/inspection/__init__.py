"""`penstock checkpoint`: what is in a checkpoint, for a human."""
