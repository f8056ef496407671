from decimal import Decimal

from shop.money import rounded


def test_half_a_cent_rounds_up():
    assert rounded(Decimal("1.005")) == Decimal("1.01")
