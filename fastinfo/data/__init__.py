"""What flows from one stage to the next."""
