"""The portal: web pages for those who orchestrate and those who take part. It asks an orchestrator, and knows nothing else of a grid."""
