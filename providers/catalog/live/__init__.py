"""Price sheets from the sellers' own price interfaces, where a network reaches them.

``python -m providers.catalog.live`` writes one. Each module turns one seller's answers into rows of a price sheet; what
has no counterpart in a price book is left out. The tests hold them against answers that were made to the documented
shapes.
"""
