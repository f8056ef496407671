"""Reads orders from the export that the till writes each night."""

import json
from pathlib import Path


def orders(folder: Path) -> list[dict]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
