"""Offers and prices: who sells what, where, for how much. Price books in, `Offers` out; no cloud is called here."""

from providers.catalog.pricebook import check_places, load_offers

__all__ = ["check_places", "load_offers"]
