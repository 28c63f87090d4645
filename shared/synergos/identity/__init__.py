"""Who programs are: their identities, whom they approve of, and the sealed channel that two of them agree on."""
