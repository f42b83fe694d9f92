"""Figures as pictures, for reports and mail: SVG without scripts, styles or fonts of its own.

Shades go from light to dark in one hue, and every shade is a number as well: so they are read in
print, in grey, and by whoever does not see colours. In Persian all is drawn from right to left.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from analytics.domain import DAY, Days
from analytics.service.figures import hours_of_day
from analytics.service.heatmap import Found, of_days
from analytics.texts import Language, jalali, say, written, written_day, written_month
from common.db import AsyncSession

MOST_ROOMS: Final = 40
_MOST_COLUMNS: Final = 31
# From so many percent on; the text on a shade is as dark as it is light.
_SHADES: Final = (
    (1, "#deebf7", "#08306b"),
    (25, "#9ecae1", "#08306b"),
    (50, "#4a90c4", "#000000"),
    (75, "#08519c", "#ffffff"),
    (100, "#041a3d", "#ffffff"),
)
_INK: Final = "#1a1a1a"
_LINE: Final = "#8c8c8c"
_FONTS: Final = "Vazirmatn, 'Noto Sans', 'DejaVu Sans', Tahoma, Arial, sans-serif"
_MARGIN: Final = 16
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Sheet:
    """A picture as it is drawn from left to right; read the other way, it is mirrored."""

    def __init__(self, width: int, height: int, language: Language, title: str, about: str) -> None:
        self.width = width
        self.language = language
        self._is_mirrored = language is Language.FA
        self._root = Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width} {height}",
                "width": str(width),
                "height": str(height),
                "role": "img",
                "aria-labelledby": "title about",
                "xml:lang": str(language),
                "direction": "rtl" if self._is_mirrored else "ltr",
                "font-family": _FONTS,
                "font-size": "12",
                "fill": _INK,
            },
        )
        SubElement(self._root, "title", id="title").text = _clean(title)
        SubElement(self._root, "desc", id="about").text = _clean(about)
        self.box(0, 0, width, height, "#ffffff", stroke="none")
        self.text(_MARGIN, 30, _short(title, (width - 2 * _MARGIN) // 10), size=17, weight="bold")

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, *, stroke: str = _LINE
    ) -> None:
        left = self.width - x - width if self._is_mirrored else x
        SubElement(
            self._root,
            "rect",
            {
                "x": f"{left:g}",
                "y": f"{y:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "fill": fill,
                "stroke": stroke,
            },
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: int = 12,
        weight: str = "normal",
        fill: str = _INK,
    ) -> None:
        """Write a line; ``x`` is its start, middle or end, as it is read."""
        at = self.width - x if self._is_mirrored else x
        more = {"font-size": str(size)} if size != 12 else {}
        more |= {"font-weight": weight} if weight != "normal" else {}
        more |= {"fill": fill} if fill != _INK else {}
        more |= {"text-anchor": anchor} if anchor != "start" else {}
        text = SubElement(self._root, "text", {"x": f"{at:g}", "y": f"{y:g}", **more})
        text.text = _clean(words)

    def line(self, x: float, y: float, width: float) -> None:
        """Draw a line along the way of reading."""
        self.box(x, y, width, 1, "#cccccc", stroke="none")

    def written(self) -> bytes:
        content: bytes = tostring(self._root, encoding="utf-8", xml_declaration=True)
        return content


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _name(text: str, most: int = 60) -> str:
    """Set a name apart from what stands around it: it may be written the other way."""
    return f"\u2068{_short(text, most)}\u2069"


def _range(days: Days, language: Language) -> str:
    first, last = (written_day(day, language) for day in (days.first, days.last))
    return say(language, "to", first=first, last=last)


# --- the heatmap --------------------------------------------------------------------------------

_NAME_WIDTH: Final = 190
_NAME_CHARACTERS: Final = 26
_ROW_HEIGHT: Final = 22
_TOP: Final = 96
_LEAST_WIDTH: Final = 640


@dataclass(frozen=True, slots=True)
class _Columns:
    """Days, weeks or months, as many as can be read.

    Args:
        of_day: the column of each day.
    """

    name: str
    width: int
    labels: Sequence[str]
    of_day: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Row:
    """A room: in percent of its seats, the peak of each column that is not free.

    Args:
        load: its peaks, added up day by day: by this, rooms are more or less busy.
    """

    name: str
    cells: Mapping[int, int]
    load: float


def heatmap(found: Found, rooms: Sequence[Any]) -> bytes:
    """Draw a heatmap of the busiest rooms."""
    language, term = found.query.language, found.term
    columns = _columns(found.days, language)
    rows = [_row(room, columns) for room in rooms]
    busiest = sorted(range(len(rows)), key=lambda at: -rows[at].load)[:MOST_ROOMS]
    shown = [rows[at] for at in sorted(busiest)]
    about = _about(rows, len(shown), language)
    subject = f"{_range(found.days, language)}; {say(language, f'of_{columns.name}')}"
    sheet = _Sheet(
        max(_LEAST_WIDTH, 2 * _MARGIN + _NAME_WIDTH + len(columns.labels) * columns.width),
        _TOP + max(1, len(shown)) * _ROW_HEIGHT + 64,
        language,
        say(language, "seats", name=_name(term.name), code=_name(term.code)),
        f"{subject}. {about}",
    )
    sheet.text(_MARGIN, 52, subject)
    left = _MARGIN + _NAME_WIDTH
    for at, label in enumerate(columns.labels):
        middle = left + (at + 0.5) * columns.width
        sheet.text(middle, _TOP - 8, label, anchor="middle", size=10)
    for number, row in enumerate(shown):
        top = _TOP + number * _ROW_HEIGHT
        name = _name(row.name, _NAME_CHARACTERS)
        sheet.text(left - 8, top + 15, name, anchor="end")
        for at in range(len(columns.labels)):
            _cell(sheet, left + at * columns.width, top, columns.width, row.cells.get(at, 0))
    bottom = _TOP + max(1, len(shown)) * _ROW_HEIGHT
    sheet.text(_MARGIN, bottom + 22, about)
    _legend(sheet, bottom + 34)
    return sheet.written()


def _columns(days: Days, language: Language) -> _Columns:
    listed = [days.first + number * DAY for number in range(len(days))]
    name, width, key = "month", 52, _month(language)
    if len(days) <= _MOST_COLUMNS:
        name, width, key = "day", 38, date.toordinal
    elif len(days) <= 7 * _MOST_COLUMNS:
        name, width, key = "week", 38, _week(language)
    groups = [list(group) for _, group in groupby(listed, key)]
    return _Columns(
        name,
        width,
        [_label(group[0], name, language) for group in groups],
        [at for at, group in enumerate(groups) for _ in group],
    )


def _label(first: date, column: str, language: Language) -> str:
    if column == "month":
        return written_month(first, language)
    return written_day(first, language, short=True)


def _week(language: Language) -> Callable[[date], int]:
    """Number weeks, from Monday on; in Persian from Saturday on."""
    shift = 6 if language is Language.EN else 1
    return lambda day: (day.toordinal() + shift) // 7


def _month(language: Language) -> Callable[[date], int]:
    def number(day: date) -> int:
        of = day if language is Language.EN else jalali(day)
        return of.year * 12 + of.month

    return number


def _row(room: Any, columns: _Columns) -> _Row:  # noqa: ANN401 - SQLAlchemy's own
    cells: dict[int, int] = {}
    load = 0.0
    for day, peak, *_ in of_days(room):
        at = columns.of_day[day]
        cells[at] = max(cells.get(at, 0), _percent(peak, room.capacity))
        load += peak / room.capacity
    return _Row(room.name, cells, load)


def _percent(peak: int, capacity: int) -> int:
    """Return whole percent; 100 is full, and 0 is nothing."""
    return 100 if peak >= capacity else max(1, min(99, (200 * peak + capacity) // (2 * capacity)))


def _about(rows: Sequence[_Row], shown: int, language: Language) -> str:
    if not rows:
        return say(language, "no_rooms")
    name = "all_rooms" if shown == len(rows) else "some_rooms"
    numbers = {"shown": written(shown, language), "all": written(len(rows), language)}
    fullest = max(rows, key=lambda row: max(row.cells.values(), default=0))
    if not fullest.cells:
        return f"{say(language, name, **numbers)} {say(language, 'nothing')}"
    most = written(max(fullest.cells.values()), language)
    named = _name(fullest.name)
    return f"{say(language, name, **numbers)} {say(language, 'fullest', room=named, number=most)}"


def _cell(sheet: _Sheet, x: float, y: float, width: int, value: int) -> None:
    fill, ink = _shade(value)
    sheet.box(x, y, width, _ROW_HEIGHT, fill)
    if value:
        weight = "bold" if value == 100 else "normal"
        number = written(value, sheet.language)
        middle = x + width / 2
        sheet.text(middle, y + 15, number, anchor="middle", size=11, weight=weight, fill=ink)


def _shade(value: int) -> tuple[str, str]:
    fill, ink = "#ffffff", _INK
    for least, shade, on_it in _SHADES:
        if value >= least:
            fill, ink = shade, on_it
    return fill, ink


def _legend(sheet: _Sheet, y: float) -> None:
    """Show the shades, each with what it stands for."""
    steps = [(0, say(sheet.language, "free"))]
    for (least, *_), (above, *_) in pairwise(_SHADES):
        steps.append((least, f"{least}–{above - 1} %"))
    steps.append((100, say(sheet.language, "full", number="100 %")))
    x = float(_MARGIN)
    for value, words in steps:
        sheet.box(x, y, 20, 14, _shade(value)[0])
        sheet.text(x + 26, y + 11, written(words, sheet.language), size=11)
        x += 90


# --- the hours of the day -----------------------------------------------------------------------

_BAR_WIDTH: Final = 38
_AXIS_WIDTH: Final = 44
_CHART_TOP: Final = 84
_CHART_HEIGHT: Final = 240
# What the axis may end with, in percent.
_TOPS: Final = (5, 10, 20, 50, 100)


async def hours(
    session: AsyncSession, days: Days, building: str | None, language: Language
) -> bytes:
    """Draw how many of the rooms in use are booked, by hour of the day.

    Raises:
        NotFound: no room is in that building.
    """
    counted = await hours_of_day(session, days, building)
    shares = counted.of_all()
    title = say(language, "hours")
    if building is not None:
        title = say(language, "hours_in", building=_name(counted.rooms[0][0].building))
    return _draw_hours(
        title, shares, f"{_range(days, language)}; {say(language, 'of_hours')}", language
    )


def _draw_hours(title: str, shares: Sequence[float], subject: str, language: Language) -> bytes:
    most = max(shares)
    about = say(language, "none")
    if most:
        hour = written(f"{shares.index(most):02}:00", language)
        about = say(language, "most", hour=hour, number=written(most, language))
    width = 2 * _MARGIN + _AXIS_WIDTH + len(shares) * _BAR_WIDTH
    bottom = _CHART_TOP + _CHART_HEIGHT
    sheet = _Sheet(width, bottom + 60, language, title, f"{subject}. {about}")
    sheet.text(_MARGIN, 52, subject)
    top = next(top for top in _TOPS if top >= most)
    left = _MARGIN + _AXIS_WIDTH
    for step in range(6):
        y = bottom - step * _CHART_HEIGHT / 5
        sheet.line(left, y, len(shares) * _BAR_WIDTH)
        number = f"{written(step * top / 5, language)} {written('%', language)}"
        sheet.text(left - 6, y + 4, number, anchor="end", size=11)
    for at, share in enumerate(shares):
        x = left + at * _BAR_WIDTH
        middle, height = x + _BAR_WIDTH / 2, share * _CHART_HEIGHT / top
        label = written(f"{at:02}", language)
        sheet.text(middle, bottom + 16, label, anchor="middle", size=11)
        if share:
            is_most = share == most
            fill = _SHADES[-2][1] if is_most else _SHADES[1][1]
            sheet.box(x + 4, bottom - height, _BAR_WIDTH - 8, height, fill)
            weight = "bold" if is_most else "normal"
            number = written(share, language)
            sheet.text(middle, bottom - height - 5, number, anchor="middle", size=11, weight=weight)
    sheet.text(_MARGIN, bottom + 44, about)
    return sheet.written()
