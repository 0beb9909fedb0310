"""The FLEXT Service: plugins, pipelines and Singer specs over HTTP."""
