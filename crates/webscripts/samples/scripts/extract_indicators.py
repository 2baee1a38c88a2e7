#!/usr/bin/env python3
"""Finds addresses, domains, e-mails, digests and other indicators in a text.

Usage: extract_indicators.py [--types TYPE...] [--defang] < TEXT

Understands defanged notation such as hxxp://example[.]org. Prints CSV with the
columns type, value and count, ordered by type and then by count.
"""

import argparse
import collections
import csv
import ipaddress
import re
import sys
from urllib.parse import urlsplit

TYPES = ("ip", "domain", "url", "email", "hash", "cve")
MAXIMUM_BYTES = 8 * 1024 * 1024

# Each expression starts only where a word starts, so that the search stays linear.
URL = re.compile(r"(?<![a-z0-9+.-])(?:https?|ftp)://[^\s\"'<>`|]{1,2000}", re.IGNORECASE)
EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@([a-z0-9.-]+)", re.IGNORECASE | re.ASCII)
ADDRESS = re.compile(r"(?<![\w.:-])[0-9a-f:.]+(?![\w-])", re.IGNORECASE | re.ASCII)
NAME = re.compile(r"(?<![\w.-])[a-z0-9.-]+", re.IGNORECASE | re.ASCII)
HEXADECIMAL = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b", re.IGNORECASE)
CVE = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,7}\b", re.IGNORECASE)
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)

# Names of files look like domains: these endings are taken for files.
FILE_ENDINGS = frozenset(
    "bat bin cfg conf css csv dll doc docx exe gz htm html ini jar jpg js json log lnk msi "
    "pdf php png ps1 py sh sys tar tmp txt vbs xls xlsx xml yaml yml zip".split()
)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Finds indicators in the text on standard input.", allow_abbrev=False
    )
    parser.add_argument("--types", nargs="+", choices=TYPES, default=list(TYPES))
    parser.add_argument("--defang", action="store_true", help="print example[.]org")
    return parser.parse_args()


def read_text():
    data = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
    if len(data) > MAXIMUM_BYTES:
        raise ValueError(f"the text is longer than {MAXIMUM_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if not text.strip():
        raise ValueError("there is no text to search")
    return text


def refang(text):
    text = re.sub(r"\bhxxp(s?)(?=://|\[:\]//|\[://\])", r"http\1", text, flags=re.IGNORECASE)
    for written, meant in (("[://]", "://"), ("[:]", ":"), ("[.]", "."), ("(.)", "."),
                           ("[dot]", "."), ("[@]", "@"), ("[at]", "@")):
        text = text.replace(written, meant)
    return text


def defang(kind, value):
    if kind in ("hash", "cve"):
        return value
    value = re.sub(r"^http", "hxxp", value)
    return value.replace(".", "[.]").replace("@", "[@]")


def domain(name):
    """The name as a domain in lower case, or None if it cannot be one."""
    name = name.strip(".-").lower()
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(map(LABEL.fullmatch, labels)):
        return None
    ending = labels[-1]
    if not re.fullmatch(r"[a-z]{2,24}|xn--[a-z0-9-]{2,59}", ending) or ending in FILE_ENDINGS:
        return None
    return name


def address(word):
    try:
        return str(ipaddress.ip_address(word.rstrip(".:") if "::" not in word else word))
    except ValueError:
        return None


def indicators(text):
    """Counts (type, value). What a URL or an e-mail holds besides its host is not searched."""
    found = collections.Counter()

    def take_url(match):
        url = match.group().rstrip(".,;:!?)]}")
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return " "
        found["url", url] += 1
        return f" {host or ''} "

    def take_email(match):
        host = domain(match.group(1))
        if host is None:
            return " "
        found["email", match.group().rstrip(".-").lower()] += 1
        return f" {host} "

    text = URL.sub(take_url, text)
    text = EMAIL.sub(take_email, text)
    found.update(("cve", match.upper()) for match in CVE.findall(text))
    found.update(("hash", match.lower()) for match in HEXADECIMAL.findall(text))
    found.update(("ip", value) for value in map(address, ADDRESS.findall(text)) if value)
    found.update(("domain", value) for value in map(domain, NAME.findall(text)) if value)
    return found


def main():
    arguments = parse_arguments()
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    try:
        found = indicators(refang(read_text()))
    except ValueError as error:
        print(f"extract_indicators: {error}", file=sys.stderr)
        return 2

    rows = [(kind, value, count) for (kind, value), count in found.items()
            if kind in arguments.types]
    rows.sort(key=lambda row: (TYPES.index(row[0]), -row[2], row[1]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("type", "value", "count"))
    for kind, value, count in rows:
        writer.writerow((kind, defang(kind, value) if arguments.defang else value, count))
    if not rows:
        print("extract_indicators: no indicator was found", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
