#!/usr/bin/env python3
"""Describes an IPv4 or IPv6 network and, if asked, the subnets it splits into.

Usage: subnet.py NETWORK [--split PREFIX]

NETWORK is an address with a prefix length, such as 192.168.10.77/24.
"""

import argparse
import ipaddress
import itertools
import sys

SHOWN_SUBNETS = 64


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Describes an IPv4 or IPv6 network.", allow_abbrev=False
    )
    parser.add_argument("network", help="address with prefix length: 192.168.10.77/24")
    parser.add_argument("--split", type=int, metavar="PREFIX", help="prefix length of subnets")
    return parser.parse_args()


def scope(network):
    for name in ("loopback", "link_local", "multicast", "private", "global"):
        if getattr(network, f"is_{name}"):
            return name.replace("_", "-")
    return "reserved"


def usable_hosts(network):
    """First address, last address and number of the addresses that hosts can have."""
    first, last = network.network_address, network.broadcast_address
    if network.version == 4 and network.prefixlen < 31:
        return first + 1, last - 1, network.num_addresses - 2
    return first, last, network.num_addresses


def describe(interface):
    network = interface.network
    first, last, number = usable_hosts(network)
    yield "Address", interface.ip
    yield "Network", network
    yield "Netmask", network.netmask
    yield "Wildcard", network.hostmask
    if network.version == 4:
        yield "Broadcast", network.broadcast_address
    yield "First host", first
    yield "Last host", last
    yield "Usable hosts", number
    yield "Scope", scope(network)


def print_subnets(network, prefix):
    number = 2 ** (prefix - network.prefixlen)
    print(f"\nSubnets of length /{prefix}: {number}")
    for subnet in itertools.islice(network.subnets(new_prefix=prefix), SHOWN_SUBNETS):
        first, last, _ = usable_hosts(subnet)
        print(f"{str(subnet):<22} {first} - {last}")
    if number > SHOWN_SUBNETS:
        print(f"… and {number - SHOWN_SUBNETS} more")


def main():
    arguments = parse_arguments()
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        interface = ipaddress.ip_interface(arguments.network.strip())
    except ValueError as error:
        print(f"subnet: {error}", file=sys.stderr)
        return 2
    network, split = interface.network, arguments.split
    if split is not None and not network.prefixlen <= split <= network.max_prefixlen:
        print(
            f"subnet: --split must be between {network.prefixlen} and {network.max_prefixlen}",
            file=sys.stderr,
        )
        return 2

    for name, value in describe(interface):
        print(f"{name:<14} {value}")
    if split is not None:
        print_subnets(network, split)
    return 0


if __name__ == "__main__":
    sys.exit(main())
