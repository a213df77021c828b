"""Tell data rows from what a page adds: blank rows, repeated titles and headers, totals, footers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from core.imports.caches import Cache
from core.imports.conversions import Cell, cell_text
from core.imports.headers import Header, fold_header

RowKind = Literal["data", "blank", "header", "title", "total", "footer"]

_TOTAL = re.compile(r"(本页|本表|本月|本年|全部|共)?(合计|小计|总计|共计|累计|total|subtotal|grandtotal)(:.*|\(.*\))?")
_FOOTER = re.compile(
    r"(制表|填表|打印|复核|审核|统计)(人|日期|时间|单位|员)?:.*|第\d+页.*|共\d+(页|条|笔).*|(备注|说明|注):.*"
)
_COUNT = re.compile(r"共?\d{1,7}(条|笔|件|户|单|辆|行)?")


class PageRows:
    """Classifies rows of one sheet by their first filled cell; only suspicious rows are looked at closely.

    Args:
        header: Header of the sheet.
        keys: Columns of the main record's key: a total row has no real key.
    """

    def __init__(self, header: Header, keys: Sequence[int]) -> None:
        self._names = [fold_header(name) for name in header.names]
        self._titles = header.titles
        self._keys = tuple(keys)
        first = next(filter(None, self._names), "")
        self._suspicious: Cache[bool] = Cache(lambda cell: self._is_suspicious(cell, first))

    def kind(self, cells: Sequence[Cell]) -> RowKind:
        """Return what a row is; ``data`` is counted, everything else is not (domain facts 11, row 22)."""
        if cells and cells[0].__class__ is str and cells[0].isdigit():
            return "data"  # nearly every row starts with a number; looking closer would cost more than reading it
        first = next(filter(None, cells), "")
        return self._look(cells) if self._suspicious[first] else "data"

    def _is_suspicious(self, cell: Cell, header_first: str) -> bool:
        if isinstance(cell, str) and cell.isdigit():
            return False
        text = fold_header(cell_text(cell))
        known = text in ("", header_first) or text in self._titles
        return known or bool(_TOTAL.fullmatch(text) or _FOOTER.fullmatch(text))

    def _look(self, cells: Sequence[Cell]) -> RowKind:
        texts = [fold_header(cell_text(cell)) for cell in cells]
        filled = [text for text in texts if text]
        if not filled:
            return "blank"
        if self._repeats_header(texts):
            return "header"
        if _TOTAL.fullmatch(filled[0]) and self._has_no_key(texts, filled[0]):
            return "total"
        few = len(filled) <= max(2, len(self._names) // 4)
        if few and _FOOTER.fullmatch(filled[0]):
            return "footer"
        return "title" if few and all(text in self._titles for text in filled) else "data"

    def _repeats_header(self, texts: Sequence[str]) -> bool:
        pairs = [(text, name) for text, name in zip(texts, self._names, strict=False) if text]
        return len(pairs) > 1 and sum(text == name for text, name in pairs) * 5 >= len(pairs) * 4

    def _has_no_key(self, texts: Sequence[str], label: str) -> bool:
        cells = [texts[at] for at in self._keys if at < len(texts)]
        return all(text in ("", label) or _COUNT.fullmatch(text) for text in cells)


def is_subtotal(cells: Sequence[Cell]) -> bool:
    """Tell whether a total row covers only the rows since the last one (小计, 本页合计)."""
    filled = [cell for cell in cells if cell]
    text = fold_header(cell_text(filled[0])) if filled else ""
    return "小计" in text or text.startswith(("本页", "subtotal"))
