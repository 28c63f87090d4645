"""How a TTP reaches the participants' workers: commands, weights, and what becomes of one that is lost."""
