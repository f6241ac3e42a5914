//! A terminal with someone who types: what a program does where it may ask, color and link.

use std::{
    fs::File,
    io::{Read, Write},
    process::Command,
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

/// The key that ends what is typed, Ctrl-D.
const END: &[u8] = b"\x04";

/// Runs a command at a terminal where this is typed, and then no more; `shows` runs once it has shown something. What it
/// showed, and its exit code.
pub(crate) fn run(command: &mut Command, typed: &str, shows: impl FnOnce()) -> (String, Option<i32>) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // It ends for us when the last process lets go of its side, so none of them may be here.
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    let mut ours = File::from(ours);
    ours.write_all(typed.as_bytes()).unwrap();
    ours.write_all(END).unwrap();
    let mut shown = vec![0; 4096];
    let length = ours.read(&mut shown).unwrap_or(0);
    shown.truncate(length);
    shows();
    // Linux says EIO where a terminal has lost its other side.
    let _ = ours.read_to_end(&mut shown);
    (String::from_utf8(shown).unwrap(), child.wait().unwrap().code())
}
