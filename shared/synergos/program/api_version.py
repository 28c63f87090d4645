"""The version of every program's REST interface."""

API_VERSION = "0.1.0"
