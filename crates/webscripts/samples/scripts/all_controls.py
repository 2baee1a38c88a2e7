#!/usr/bin/env python3
"""Has an argument for every control of a form and prints what arrived.

Usage: all_controls.py NAME [OPTION]... < SECRET_AND_FILE

Standard input holds the secret on the first line and, after it, the file in
Base64 if there is one. Prints CSV with the columns argument and value. Of the
secret only the length is printed.
"""

import argparse
import base64
import binascii
import csv
import hashlib
import sys

OPTIONS = ("--ticket", "--quantity", "--percent", "--date", "--time", "--date-time",
           "--month", "--week", "--color", "--email", "--website", "--telephone", "--search",
           "--form-version", "--size", "--priority", "--weekday", "--notes", "--trace-id")
LISTS = ("--toppings", "--tags")
SWITCHES = ("--subscribe",)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Prints the values that it was given.", allow_abbrev=False
    )
    parser.add_argument("name")
    for option in OPTIONS:
        parser.add_argument(option)
    for option in LISTS:
        parser.add_argument(option, nargs="+", default=[])
    for option in SWITCHES:
        parser.add_argument(option, action="store_true")
    return vars(parser.parse_args())


def read_standard_input():
    """The secret as text and the file as bytes; None for what was not sent."""
    secret, _, encoded = sys.stdin.buffer.read().partition(b"\n")
    try:
        secret = secret.decode("utf-8")
    except UnicodeDecodeError:
        secret = secret.decode("latin-1")
    try:
        content = base64.b64decode(b"".join(encoded.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the file is not valid Base64: {error}") from error
    return secret or None, content or None


def shown(value):
    if value is None or value == []:
        return "(not sent)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " + ".join(value)
    return value


def main():
    values = parse_arguments()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    try:
        secret, content = read_standard_input()
    except ValueError as error:
        print(f"all_controls: {error}", file=sys.stderr)
        return 2
    if secret is None:
        print("all_controls: the secret is missing", file=sys.stderr)
        return 2

    values["secret"] = f"{len(secret)} characters"
    values["file"] = content and (
        f"{len(content)} bytes with SHA-256 {hashlib.sha256(content).hexdigest()}"
    )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("argument", "value"))
    for name, value in values.items():
        writer.writerow((name.replace("_", "-"), shown(value)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
