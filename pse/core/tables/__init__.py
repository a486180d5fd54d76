"""Tables of files that others made, read as streams: sheets of xlsx workbooks, and CSV in whatever dialect.

`opened` opens a file by what it holds. Inventories and price sheets are read through it; what a column means is the
reader's business.
"""

from pse.core.tables.opening import head_of, opened
from pse.core.tables.table import Header, RawRow, Row, Table, header_of, heading, unique

__all__ = ["Header", "RawRow", "Row", "Table", "head_of", "header_of", "heading", "opened", "unique"]
