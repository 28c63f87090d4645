"""A worker that listens nowhere: it dials the rendezvous of its orchestrator, and is asked by the connections that it has made."""
