"""Where is a phone number from? What its digits say: where it was issued, not where a person is."""

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import phonenumbers
from phonenumbers import timezone

# Area codes of the states of the US and the provinces of Canada, as phonenumbers knows them. Codes
# that two of them share (782, 867, 902) say nothing.
_AREA_CODES = {
    "AB": "368 403 587 780 825",
    "AK": "907",
    "AL": "205 251 256 334 659 938",
    "AR": "327 479 501 870",
    "AZ": "480 520 602 623 928",
    "BC": "236 250 257 604 672 778",
    "CA": (
        "209 213 279 310 323 341 350 369 408 415 424 442 510 530 559 562 619 626 628 650 657 "
        "661 669 707 714 738 747 760 805 818 820 831 840 858 909 916 925 949 951"
    ),
    "CO": "303 719 720 748 970 983",
    "CT": "203 475 860 959",
    "DC": "202 771",
    "DE": "302",
    "FL": (
        "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 "
        "941 954"
    ),
    "GA": "229 404 470 478 678 706 762 770 912 943",
    "HI": "808",
    "IA": "319 515 563 641 712",
    "ID": "208 986",
    "IL": "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 872",
    "IN": "219 260 317 463 574 765 812 930",
    "KS": "316 620 785 913",
    "KY": "270 364 502 606 859",
    "LA": "225 318 337 504 985",
    "MA": "339 351 413 508 617 774 781 857 978",
    "MB": "204 431 584",
    "MD": "227 240 301 410 443 667",
    "ME": "207",
    "MI": "231 248 269 313 517 586 616 734 810 906 947 989",
    "MN": "218 320 507 612 651 763 952",
    "MO": "235 314 417 557 573 636 660 816 975",
    "MS": "228 601 662 769",
    "MT": "406",
    "NB": "428 506",
    "NC": "252 336 472 704 743 828 910 919 980 984",
    "ND": "701",
    "NE": "308 402 531",
    "NH": "603",
    "NJ": "201 551 609 640 732 848 856 862 908 973",
    "NL": "709 879",
    "NM": "505 575",
    "NV": "702 725 775",
    "NY": "212 315 329 332 347 363 516 518 585 607 631 646 680 716 718 838 845 914 917 929 934",
    "OH": "216 220 234 283 326 330 380 419 440 513 567 614 740 937",
    "OK": "405 539 572 580 918",
    "ON": "226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 807 905 942",
    "OR": "458 503 541 971",
    "PA": "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878",
    "QC": "263 273 354 367 418 438 450 468 514 579 581 819 873",
    "RI": "401",
    "SC": "803 821 839 843 854 864",
    "SD": "605",
    "SK": "306 474 639",
    "TN": "423 615 629 731 865 901 931",
    "TX": (
        "210 214 254 281 325 346 361 409 430 432 469 512 682 713 726 737 806 817 830 832 903 "
        "915 936 940 945 956 972 979"
    ),
    "UT": "385 435 801",
    "VA": "276 434 540 571 686 703 757 804 826 948",
    "VT": "802",
    "WA": "206 253 360 425 509 564",
    "WI": "262 274 353 414 534 608 715 920",
    "WV": "304 681",
    "WY": "307",
}
_REGIONS = MappingProxyType(
    {code: region for region, codes in _AREA_CODES.items() for code in codes.split()}
)
_BETWEEN_DIGITS = re.compile(r"[\s().\-\u2010-\u2015/]")
_OF_NORTH_AMERICA = ("US", "CA")


class Place(NamedTuple):
    """A country (ISO 3166), a region (of the US and Canada) and a time zone; blank if unclear."""

    country: str = ""
    region: str = ""
    zone: str = ""


def is_country(code: str) -> bool:
    """Say whether a code is that of a country: CA is one, though California is called so too."""
    return code in phonenumbers.SUPPORTED_REGIONS


@lru_cache(maxsize=4096)
def place_of(number: str) -> Place:
    """Tell where an E.164 number was issued. What is no number is from nowhere."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Place()
    country = phonenumbers.region_code_for_number(parsed) or ""
    area = str(parsed.national_number)[:3]
    region = _REGIONS.get(area, "") if country in _OF_NORTH_AMERICA else ""
    zones = timezone.time_zones_for_number(parsed)
    # Toll-free numbers and most mobiles of wide countries have many: then nobody knows.
    is_clear = len(zones) == 1 and zones[0] != "Etc/Unknown"
    return Place(country, region, zones[0] if is_clear else "")


def plain_number(text: str) -> str:
    """Return a number, or the beginning of one, as E.164 writes it; what is none stays as it is."""
    digits = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    is_number = digits.isascii() and digits.removeprefix("+").isdecimal()
    return digits if is_number else text.strip()
