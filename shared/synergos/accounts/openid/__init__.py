"""OpenID Connect: organisations that vouch for their own people, with tokens that they sign."""
