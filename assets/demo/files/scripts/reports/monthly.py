"""Prints the revenue of one month, by group of goods."""

import csv
import sys
from collections import Counter

groups: Counter[str] = Counter()
for row in csv.DictReader(sys.stdin):
    groups[row["group"]] += round(float(row["price"]) * 100)
for group, cents in groups.most_common():
    print(f"{group:10} {cents / 100:10.2f}")
