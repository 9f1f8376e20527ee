"""OpenTelemetry spans over HTTP: read as protobuf or JSON, and those that state a model's usage become calls."""
