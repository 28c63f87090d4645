"""Networks, local training, aggregation, alignment and metrics: arrays in, arrays out, no network and no records."""
