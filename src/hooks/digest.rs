//! The digest that requests and events are known by.

use aws_lc_rs::digest::{SHA256, digest};

pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let whole = digest(&SHA256, &parts.concat());
    std::array::from_fn(|at| whole.as_ref()[at])
}
