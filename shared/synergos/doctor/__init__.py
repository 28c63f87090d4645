"""What is wrong between an orchestrator and its workers, hop by hop, as seen from either end; standard library and driver only."""
