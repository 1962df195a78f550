"""How certain a value is: against chance, and from sample to sample."""
