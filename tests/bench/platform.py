"""A platform of any size, as YAML: about one kilobyte a resource, the same for the same size."""

from __future__ import annotations

from pathlib import Path

ENVIRONMENT = """\
services:
  flexcore: {{url: "{flexcore}", timeout: 60}}
  flext-service: {{url: "{flext_service}", timeout: 60}}
defaults: {{plugin: flext-service}}
vars: {{team: logistics}}
"""

_LABELS = "labels: {{team: logistics, tier: t{tier}, stream: s{index}}}"

_PLUGIN = """\
---
kind: plugin
name: plugin-{index}
{labels}
spec:
  type: transformer
  version: 1.0.{index}
  entry_point: plugin_{index}.main
  description: "transforms orders of warehouse {index}"
  author: logistics
  status: active
  configuration: {configuration}
"""

_SINGER = """\
---
kind: {kind}
name: {kind}-{index}
{labels}
spec:
  version: 1.2.{index}
  executable: {kind}-{index}
  description: "{edit}moves the records of system {index}"
  author: logistics
  active: true
  config_template: {configuration}
"""

_PIPELINE = """\
---
kind: pipeline
name: pipeline-{index}
{labels}
spec:
  description: "{edit}orders of warehouse {index}"
  tags: [orders, warehouse-{index}]
  active: true{schedule}
  configuration: {configuration}
  steps:
    - name: extract
      plugin: plugin-{first}
      configuration: {{table: ORDERS_{index}, batch_size: 1000}}
    - name: load
      plugin: plugin-{second}
      configuration: {{schema: WMS_{index}, mode: append}}
      depends_on: [extract]
"""

_CONFIGURATION = """
    host: oracle-{index}.example.test
    port: 1521
    service_name: XEPDB1
    schema: DEV_WMS_{index}
    batch_size: {index}
    fetch_size: 1000
    retries: 3
    verify_ssl: true
    include_extended: false
    start_date: "2026-01-01"
    entities: [allocation, order_hdr, order_dtl]
    flattening: {{enabled: true, max_depth: 3, separator: "__"}}
    column_mappings: {{order_id: ID, order_date: DATE, status: STATE}}
    stream_maps:
      orders: {{filter: "status != 'deleted'", key: order_id}}
      lines: {{filter: "qty > 0", key: line_id}}
    limits: {{max_records: 100000, max_minutes: 60, max_parallel_streams: 5}}"""

PLUGINS = 100


def documents(size: int, edited: int = 0) -> list[str]:
    """Return `size` documents; the first `edited` taps and pipelines have another description."""
    plugins = min(PLUGINS, size // 10)
    pipelines = (size - plugins) * 4 // 10
    taps = (size - plugins) - pipelines
    found = [_fill(_PLUGIN, index) for index in range(plugins)]
    for index in range(taps):
        kind = "tap" if index % 3 else "target"
        found.append(_fill(_SINGER, index, kind=kind, edit="EDITED " if index < edited else ""))
    for index in range(pipelines):
        schedule = '\n  schedule: "0 2 * * *"' if index % 4 == 0 else ""
        found.append(_fill(_PIPELINE, index, schedule=schedule, first=index % plugins, second=(index + 1) % plugins))
    return found


def _fill(template: str, index: int, **more: object) -> str:
    return template.format(
        index=index,
        labels=_LABELS.format(tier=index % 3, index=index),
        configuration=_CONFIGURATION.format(index=index),
        **{"edit": "", **more},
    )


def write(root: Path, size: int, *, flexcore: str, flext_service: str, edited: int = 0, per_file: int = 100) -> None:
    """Write the platform under `root`, `per_file` documents a file, and its environment `bench`."""
    (root / "environments").mkdir(parents=True, exist_ok=True)
    environment = ENVIRONMENT.format(flexcore=flexcore, flext_service=flext_service)
    (root / "environments" / "bench.yaml").write_text(environment, encoding="utf-8")
    written = documents(size, edited)
    for start in range(0, len(written), per_file):
        text = "".join(written[start : start + per_file])
        (root / f"part-{start // per_file:04}.yaml").write_text(text, encoding="utf-8")
