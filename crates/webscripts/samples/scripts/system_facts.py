#!/usr/bin/env python3
"""Prints facts about this machine as JSON.

Usage: system_facts.py [--sections SECTION...] [--compact]

The sections are system, processor, memory, disk and run; all of them by
default. The section "run" says what the server told the script about the user.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path


def system():
    return {
        "host": platform.node(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def processor():
    one, five, fifteen = os.getloadavg()
    return {
        "count": os.cpu_count(),
        "load": {"1_min": round(one, 2), "5_min": round(five, 2), "15_min": round(fifteen, 2)},
    }


def memory():
    kibibytes = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        kibibytes[name] = int(value.split()[0])
    return {
        "total_mib": kibibytes["MemTotal"] // 1024,
        "available_mib": kibibytes.get("MemAvailable", kibibytes["MemFree"]) // 1024,
    }


def disk():
    usage = shutil.disk_usage("/")
    return {
        "mount": "/",
        "total_mib": usage.total // 2**20,
        "used_mib": usage.used // 2**20,
        "free_mib": usage.free // 2**20,
    }


def run():
    """Who asked, from the variable USER: JSON written by the server, or a plain name."""
    try:
        user = json.loads(os.environ.get("USER", "null"))
    except ValueError:
        user = None
    user = user if isinstance(user, dict) else {}
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "user": user.get("name"),
        "groups": user.get("groups", []),
    }


SECTIONS = {"system": system, "processor": processor, "memory": memory, "disk": disk, "run": run}


def main():
    parser = argparse.ArgumentParser(
        description="Prints facts about this machine as JSON.", allow_abbrev=False
    )
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--compact", action="store_true", help="print one line")
    arguments = parser.parse_args()

    try:
        facts = {name: SECTIONS[name]() for name in arguments.sections}
    except (OSError, KeyError, ValueError) as error:
        print(f"system_facts: cannot read the facts: {error}", file=sys.stderr)
        return 1
    json.dump(facts, sys.stdout, indent=None if arguments.compact else 2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
