"""BiqMac QUBO files: ``n m``, then entries ``i j q`` of a symmetric matrix."""

from pathlib import Path

from .edges import LIST_ENDINGS, OTHER_ENDINGS, RUDY_ENDINGS, TABLE_ENDINGS, rudy_rows


def recognises(name: str, head: str) -> bool:
    """Whether the file is one of BiqMac's.

    The layout is that of rudy's graphs, so that without the ending ``.sparse`` only an entry on
    the diagonal tells them apart.
    """
    ending = Path(name).suffix.lower()
    if ending == ".sparse":
        return True
    if ending in LIST_ENDINGS + TABLE_ENDINGS + RUDY_ENDINGS + OTHER_ENDINGS:
        return False
    rows = rudy_rows(head)
    return rows is not None and any(i == j for i, j in rows)
