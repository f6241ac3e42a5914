//! Ports for servers that must be given one, because they cannot choose it themselves and report it.

use std::{
    fs,
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

/// A port that no one listens on, and that neither another test nor the system gives to anyone else: one below the range from
/// which the system takes a connection's own port and that of a listener at port 0.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let end = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768_u32);
    let start = if end > 12_000 { 10_000 } else { 1_024 };
    // Test programs that run at the same time begin at different places.
    let first = std::process::id().wrapping_mul(97);
    for _ in start..end {
        let number = start + first.wrapping_add(TAKEN.fetch_add(1, SeqCst)) % (end - start).max(1);
        let port = u16::try_from(number).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port below {end} is free")
}

#[test]
fn a_port_is_given_out_once() {
    let mut ports: Vec<u16> = (0..100).map(|_| free_port()).collect();
    ports.sort();
    ports.dedup();
    assert_eq!(ports.len(), 100);
}
