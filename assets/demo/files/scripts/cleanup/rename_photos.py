"""Gives product photos the name of their article number."""

from pathlib import Path

for number, photo in enumerate(sorted(Path("photos").glob("IMG_*.jpg")), start=1):
    photo.rename(photo.with_name(f"product-{number:03}.jpg"))
