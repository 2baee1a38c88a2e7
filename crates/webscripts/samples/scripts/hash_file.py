#!/usr/bin/env python3
"""Prints the size and the digests of a file.

Usage: hash_file.py [--expected DIGEST] < FILE_IN_BASE64

The file arrives on standard input, encoded in Base64. With --expected, the
exit code is 1 unless one of the digests equals DIGEST.
"""

import argparse
import base64
import binascii
import hashlib
import re
import sys

ALGORITHMS = ("MD5", "SHA-1", "SHA-256", "SHA-512")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Prints the size and the digests of a file.", allow_abbrev=False
    )
    parser.add_argument("--expected", metavar="DIGEST", help="digest the file must have")
    arguments = parser.parse_args()
    if arguments.expected is not None:
        arguments.expected = arguments.expected.strip().lower()
        if not re.fullmatch(r"[0-9a-f]{32,128}", arguments.expected):
            parser.error("--expected takes 32 to 128 hexadecimal digits")
    return arguments


def read_file():
    encoded = b"".join(sys.stdin.buffer.read().split())
    if not encoded:
        raise ValueError("no file was sent, or it is empty")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the file is not valid Base64: {error}") from error


def digests(content):
    return {
        name: hashlib.new(name.replace("-", ""), content, usedforsecurity=False).hexdigest()
        for name in ALGORITHMS
    }


def main():
    arguments = parse_arguments()
    try:
        content = read_file()
    except ValueError as error:
        print(f"hash_file: {error}", file=sys.stderr)
        return 2

    found = digests(content)
    print(f"{'Size':<8} {len(content)} bytes")
    for name, digest in found.items():
        print(f"{name:<8} {digest}")

    if arguments.expected is None:
        return 0
    for name, digest in found.items():
        if digest == arguments.expected:
            print(f"{'Match':<8} yes, {name}")
            return 0
    print(f"{'Match':<8} no")
    print("hash_file: no digest of the file equals the expected one", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
