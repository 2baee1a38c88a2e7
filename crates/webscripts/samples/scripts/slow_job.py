#!/usr/bin/env python3
"""Works for a while and reports its progress: an example of live output.

Usage: slow_job.py [--steps N]

Takes half a second for each of the N steps (1 to 120, default 10). Every step
prints one line, and the progress as the terminal sequence OSC 9;4.
"""

import argparse
import signal
import sys
import time

SECONDS_PER_STEP = 0.5


def step_count(text):
    number = int(text)
    if not 1 <= number <= 120:
        raise argparse.ArgumentTypeError("must be between 1 and 120")
    return number


def progress(percent):
    """Shows a bar; None takes it away."""
    state = "0;0" if percent is None else f"1;{percent}"
    return f"\x1b]9;4;{state}\x1b\\"


def stop(_signal, _frame):
    print("slow_job: stopped before the end", file=sys.stderr, flush=True)
    sys.exit(143)


def main():
    parser = argparse.ArgumentParser(
        description="Works for a while and reports its progress.", allow_abbrev=False
    )
    parser.add_argument("--steps", type=step_count, default=10, help="1 to 120 (default 10)")
    steps = parser.parse_args().steps
    signal.signal(signal.SIGTERM, stop)

    started = time.monotonic()
    print(progress(0), end="", flush=True)
    for step in range(1, steps + 1):
        time.sleep(SECONDS_PER_STEP)
        print(f"{progress(100 * step // steps)}Step {step} of {steps}", flush=True)
    seconds = time.monotonic() - started
    print(f"{progress(None)}Finished {steps} steps in {seconds:.1f} seconds", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
