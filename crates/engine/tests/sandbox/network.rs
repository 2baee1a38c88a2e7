//! Connections.

use std::net::TcpListener;

use libc::{EACCES, c_long};
use webscripts_domain::sandbox::{Network, Preset};

use crate::fixture::{Instance, call, stdout};

fn socket(domain: i32, kind: i32, protocol: i32) -> impl FnMut() -> Result<(), i32> {
    let arguments = [domain, kind, protocol].map(c_long::from);
    move || {
        let [domain, kind, protocol] = arguments;
        call(libc::SYS_socket, [domain, kind, protocol, 0, 0, 0]).map(|_| ())
    }
}

fn connect(instance: &Instance, port: u16) -> Option<i32> {
    let line = format!(
        "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or exit 2; \
         exit !connect(S, pack_sockaddr_in({port}, inet_aton(\"127.0.0.1\")))'"
    );
    instance.sh(&line).status.code()
}

#[test]
fn no_network_means_no_socket_but_local_ones() {
    let without = [
        Instance::new(Preset::Strict),
        Instance::new(Preset::Default).network(Network::None),
        Instance::new(Preset::None).network(Network::None),
    ];
    for instance in without {
        for domain in [
            libc::AF_INET,
            libc::AF_INET6,
            libc::AF_NETLINK,
            libc::AF_PACKET,
            libc::AF_VSOCK,
            libc::AF_ALG,
            libc::AF_BLUETOOTH,
            libc::AF_XDP,
        ] {
            for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW] {
                let made = instance.attempt(socket(domain, kind | libc::SOCK_CLOEXEC, 0));
                assert_eq!(made, Err(EACCES), "{domain} {kind}");
            }
        }
        assert_eq!(instance.attempt(socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)), Ok(()));
        assert_ne!(
            instance.attempt(|| call(libc::SYS_io_uring_setup, [-1; 6]).map(|_| ())),
            Ok(())
        );
    }
}

#[test]
fn default_leaves_the_network_open() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    assert_eq!(connect(&Instance::new(Preset::Default), port), Some(0));
    assert_eq!(connect(&Instance::new(Preset::Default).network(Network::None), port), Some(2));
    assert_eq!(connect(&Instance::new(Preset::Strict).network(Network::Allowed), port), Some(0));
}

#[test]
fn ports_open_these_ports_and_nothing_else() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();

    for preset in [Preset::None, Preset::Default, Preset::Strict] {
        let instance = Instance::new(preset).network(Network::Ports(vec![port(&open)]));
        assert_eq!(connect(&instance, port(&open)), Some(0), "{preset:?}");
        assert_eq!(connect(&instance, port(&closed)), Some(1), "{preset:?}");
    }
}

#[test]
fn ports_allow_no_datagrams_raw_sockets_or_other_protocols() {
    let instance = Instance::new(Preset::Default).network(Network::Ports(vec![443]));
    let is = |domain, kind, protocol| instance.attempt(socket(domain, kind, protocol));

    for domain in [libc::AF_INET, libc::AF_INET6] {
        assert_eq!(is(domain, libc::SOCK_DGRAM, 0), Err(EACCES));
        assert_eq!(is(domain, libc::SOCK_RAW, libc::IPPROTO_ICMP), Err(EACCES));
        assert_eq!(is(domain, libc::SOCK_STREAM, libc::IPPROTO_MPTCP), Err(EACCES));
        assert_eq!(is(domain, libc::SOCK_STREAM, libc::IPPROTO_SCTP), Err(EACCES));
        assert_eq!(is(domain, libc::SOCK_SEQPACKET, 0), Err(EACCES));
        assert_eq!(is(domain, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0), Ok(()));
    }
    assert_eq!(is(libc::AF_PACKET, libc::SOCK_RAW, 0), Err(EACCES));
    assert_eq!(is(libc::AF_NETLINK, libc::SOCK_RAW, 0), Err(EACCES));
    assert_eq!(is(libc::AF_UNIX, libc::SOCK_DGRAM, 0), Ok(()));
}

#[test]
fn ports_let_nobody_in() {
    let instance = Instance::new(Preset::Default).network(Network::Ports(vec![443]));
    let line = |what: &str| {
        format!("perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or exit 2; exit !{what}'")
    };

    let bind = line("bind(S, pack_sockaddr_in(0, INADDR_ANY))");
    assert_eq!(instance.sh(&bind).status.code(), Some(1));
    assert_eq!(instance.sh(&line("listen(S, 5)")).status.code(), Some(1));
    assert_eq!(Instance::new(Preset::Default).sh(&bind).status.code(), Some(0));
}

#[test]
fn sending_cannot_connect_to_another_port() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    let line = format!(
        "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or exit 2; \
         defined send(S, \"x\", 0x20000000, pack_sockaddr_in({port}, inet_aton(\"127.0.0.1\"))) \
         or exit 3'"
    );
    let ports = Instance::new(Preset::Default).network(Network::Ports(vec![443]));

    assert_eq!(ports.sh(&line).status.code(), Some(3));
}

#[test]
fn programs_are_told_to_ask_name_servers_over_tcp() {
    let ports = Instance::new(Preset::Strict).network(Network::Ports(vec![443]));

    assert_eq!(
        webscripts_engine::sandbox::environment(&ports.sandbox),
        [("RES_OPTIONS", "use-vc")],
    );
    assert_eq!(stdout(&ports.sh("cat /etc/resolv.conf > /dev/null && echo readable")), "readable");
}
