from decimal import Decimal

from shop.models.order import Line, Order


def test_the_total_counts_every_line():
    order = Order("Lan", [Line("T01", 2, Decimal("12.50")), Line("C01", 1, Decimal("18.00"))])
    assert order.total() == Decimal("43.00")
