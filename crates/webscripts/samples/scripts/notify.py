#!/usr/bin/env python3
"""Writes a message to colleagues as a draft that any mail program opens.

Usage: notify.py SUBJECT --to ADDRESS... [--priority PRIORITY] < MESSAGE

The priority is normal or urgent. The draft is the result file notice.eml, in
the directory that the server names in WEBSCRIPTS_RUN_DIR; without this
variable the script only prints the summary. It sends nothing.
"""

import argparse
import os
import re
import sys
from email.message import EmailMessage
from pathlib import Path

MAXIMUM_BYTES = 64 * 1024
FILE_NAME = "notice.eml"


def address(text):
    if not re.fullmatch(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}", text):
        raise argparse.ArgumentTypeError(f"not an e-mail address: {text!r}")
    return text


def subject(text):
    text = text.strip()
    if not text or len(text) > 100 or not text.isprintable():
        raise argparse.ArgumentTypeError("must be one line of 1 to 100 characters")
    return text


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Writes a message as a draft for a mail program.", allow_abbrev=False
    )
    parser.add_argument("subject", type=subject)
    parser.add_argument("--to", nargs="+", type=address, required=True, metavar="ADDRESS")
    parser.add_argument("--priority", choices=("normal", "urgent"), default="normal")
    return parser.parse_args()


def read_message():
    data = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
    if len(data) > MAXIMUM_BYTES:
        raise ValueError(f"the message is longer than {MAXIMUM_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if not text.strip():
        raise ValueError("there is no message")
    return text.strip() + "\n"


def draft(arguments, text):
    message = EmailMessage()
    message["Subject"] = arguments.subject
    message["To"] = ", ".join(arguments.to)
    message["X-Unsent"] = "1"
    if arguments.priority == "urgent":
        message["Importance"] = "high"
    message.set_content(text)
    return message


def main():
    arguments = parse_arguments()
    sys.stdout.reconfigure(encoding="utf-8")
    directory = os.environ.get("WEBSCRIPTS_RUN_DIR")
    try:
        text = read_message()
        if directory:
            Path(directory, FILE_NAME).write_bytes(bytes(draft(arguments, text)))
    except (OSError, ValueError) as error:
        print(f"notify: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1

    print(f"To        {', '.join(arguments.to)}")
    print(f"Subject   {arguments.subject}")
    print(f"Priority  {arguments.priority}")
    print(f"Length    {len(text.split())} words")
    print(f"\n{text}")
    print(f"The draft is the result file {FILE_NAME}." if directory else "No draft was written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
