"""What people read of the heatmap and the pictures, in English and Persian. No I/O."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

import jdatetime


class Language(StrEnum):
    EN = "en"
    FA = "fa"


_PART: Final = re.compile(
    r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)
_DIGITS: Final = str.maketrans("0123456789.%", "۰۱۲۳۴۵۶۷۸۹٫٪")


def preferred(accepted: str) -> Language:
    """Choose a language by an Accept-Language header (RFC 9110); English by default."""
    best, weight = Language.EN, 0.0
    for part in accepted.split(","):
        found = _PART.fullmatch(part)
        if found is None or found[1].lower() not in set(Language):
            continue
        if (wanted := float(found[2] or 1)) > weight:
            best, weight = Language(found[1].lower()), wanted
    return best


# --- dates and numbers --------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def jalali(day: date) -> jdatetime.date:
    """Return a day in the Jalali calendar."""
    return jdatetime.date.fromgregorian(date=day)


def written(number: float | str, language: Language) -> str:
    """Write a number in a language's digits."""
    text = number if isinstance(number, str) else f"{number:g}"
    return text.translate(_DIGITS) if language is Language.FA else text


def written_day(day: date, language: Language, *, short: bool = False) -> str:
    """Write a day in a language's calendar; the short form leaves the year out."""
    if language is Language.EN:
        return f"{day:%m-%d}" if short else f"{day:%Y-%m-%d}"
    local = jalali(day)
    return written(local.strftime("%m/%d" if short else "%Y/%m/%d"), language)


def written_month(day: date, language: Language) -> str:
    """Write the month that a day is in, in a language's calendar."""
    if language is Language.EN:
        return f"{day:%Y-%m}"
    return written(jalali(day).strftime("%Y/%m"), language)


# --- texts --------------------------------------------------------------------------------------

_TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.EN: {
        "required": "This field is required.",
        "number": "Enter a number.",
        "date": "Date has wrong format. Use YYYY-MM-DD.",
        "no_term": "No Term matches the given query.",
        "no_room": "No Room matches the given query.",
        "no_day": "No day of the term is in this range.",
        "method": 'Method "{method}" not allowed.',
        "to": "{first} to {last}",
        "seats": "Seats allocated: {name} ({code})",
        "of_day": "of each day, the most seats at a time, in percent of the room's",
        "of_week": "of each week, the most seats at a time, in percent of the room's",
        "of_month": "of each month, the most seats at a time, in percent of the room's",
        "no_rooms": "There are no rooms.",
        "some_rooms": "The {shown} busiest of {all} rooms.",
        "all_rooms": "{all} rooms.",
        "free": "none",
        "full": "{number}: full",
        "fullest": "Fullest: {room}, {number} %.",
        "nothing": "Nothing is allocated.",
        "hours": "Rooms in use, by hour of the day",
        "hours_in": "Rooms in use, by hour of the day: {building}",
        "of_hours": "bookings that last into the hour, in percent of rooms and days",
        "most": "Most at {hour}: {number} %, in the darkest bar.",
        "none": "Nothing is booked.",
    },
    Language.FA: {
        "required": "این فیلد الزامی است.",
        "number": "یک عدد وارد کنید.",
        "date": "قالب تاریخ نادرست است. از قالب YYYY-MM-DD استفاده کنید.",
        "no_term": "هیچ ترمی با این مشخصات یافت نشد.",
        "no_room": "هیچ اتاقی با این مشخصات یافت نشد.",
        "no_day": "هیچ روزی از ترم در این بازه نیست.",
        "method": "روش «{method}» مجاز نیست.",
        "to": "{first} تا {last}",
        "seats": "صندلی‌های تخصیص‌یافته: {name} ({code})",
        "of_day": "بیشترین صندلی هم‌زمان هر روز، به درصد ظرفیت اتاق",
        "of_week": "بیشترین صندلی هم‌زمان هر هفته، به درصد ظرفیت اتاق",
        "of_month": "بیشترین صندلی هم‌زمان هر ماه، به درصد ظرفیت اتاق",
        "no_rooms": "اتاقی نیست.",
        "some_rooms": "{shown} اتاق پرکارتر از {all} اتاق.",
        "all_rooms": "{all} اتاق.",
        "free": "هیچ",
        "full": "{number}: پر",
        "fullest": "پرترین: {room}، {number} ٪.",
        "nothing": "چیزی تخصیص نیافته است.",
        "hours": "اتاق‌های در حال استفاده، به تفکیک ساعت روز",
        "hours_in": "اتاق‌های در حال استفاده، به تفکیک ساعت روز: {building}",
        "of_hours": "رزروهایی که به آن ساعت می‌رسند، به درصد اتاق‌ها و روزها",
        "most": "بیشترین در ساعت {hour}: {number} ٪، تیره‌ترین ستون.",
        "none": "چیزی رزرو نشده است.",
    },
}


def say(language: Language, text: str, /, **values: object) -> str:
    """Return a text by its name, in a language."""
    return _TEXTS[language][text].format(**values)
