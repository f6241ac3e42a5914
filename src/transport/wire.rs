//! The socket, plain or TLS: whole writes, bounded replies, and a deadline for every step.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_rustls::client::TlsStream;

use super::{
    error::ErrorKind,
    reply::{Frame, Inbox, NotAReply},
    tls::Tls,
};

/// The connection and what came over it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    inbox: Inbox,
    alarm: Alarm,
    /// Whether a reply has been read since the last write.
    in_group: bool,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between plain and TLS, or after a failed handshake.
    Gone,
}

/// A write that did not come to its end.
#[derive(Debug)]
pub(super) struct WriteError {
    pub(super) kind: ErrorKind,
    /// Whether it is certain that none of it left.
    pub(super) nothing_left: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), inbox: Inbox::new(), alarm: Alarm::new(), in_group: false }
    }

    /// Replies are kept without these from now on.
    pub(super) fn mask(&mut self, secrets: Vec<String>) {
        self.inbox.mask(secrets);
    }

    pub(super) fn is_private(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// The version of TLS and the relay's certificate, as DER; `None` without TLS.
    pub(super) fn privacy(&self) -> Option<(&'static str, Vec<u8>)> {
        let Stream::Tls(stream) = &self.stream else { return None };
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates()?.first()?.to_vec();
        let version = match session.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
            rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3",
            _ => "TLS",
        };
        Some((version, certificate))
    }

    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(stream) => Some(stream.get_ref().0),
            Stream::Gone => None,
        }
    }

    /// Makes the connection private. Nothing that was said before is believed: that there is nothing is a condition
    /// (RFC 3207 section 6).
    pub(super) async fn shake_hands(&mut self, tls: &Tls, within: Duration) -> Result<(), ErrorKind> {
        if !self.inbox.is_empty() {
            return Err(ErrorKind::Tls(
                "bytes arrived between the relay's answer to STARTTLS and the handshake: an attacker on the way may have \
                 put them there"
                    .to_owned(),
            ));
        }
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(ErrorKind::Tls("TLS was begun twice".to_owned()));
        };
        let shaken = tokio::time::timeout(within, tls.shake_hands(plain)).await;
        self.stream = Stream::Tls(Box::new(shaken.map_err(|_| timeout(within))??));
        self.inbox = Inbox::new();
        Ok(())
    }

    /// Writes all of it, in one system call if the socket takes it.
    pub(super) async fn write(
        &mut self,
        parts: &mut [IoSlice<'_>],
        within: Duration,
    ) -> Result<(), WriteError> {
        let mut parts = parts;
        IoSlice::advance_slices(&mut parts, 0);
        let mut written = 0;
        self.in_group = false;
        let Self { stream, alarm, .. } = self;
        let plain = matches!(stream, Stream::Plain(_));
        let done = alarm
            .within(within, |cx| {
                while !parts.is_empty() {
                    match stream.poll_write_parts(cx, parts) {
                        Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        Poll::Ready(Ok(count)) => {
                            written += count;
                            IoSlice::advance_slices(&mut parts, count);
                        }
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                stream.poll_flush(cx)
            })
            .await;
        let kind = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => ErrorKind::Io(error),
            Err(late) => late,
        };
        Err(WriteError { kind, nothing_left: plain && written == 0 })
    }

    /// The next reply. `within` counts from now, over all its bytes.
    pub(super) async fn reply(&mut self, within: Duration) -> Result<Frame<'_>, ErrorKind> {
        self.await_reply(within).await?;
        match self.inbox.next() {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) | Err(_) => Err(ErrorKind::Protocol("its reply is not one".to_owned())),
        }
    }

    async fn await_reply(&mut self, within: Duration) -> Result<(), ErrorKind> {
        let Self { stream, inbox, alarm, in_group } = self;
        if inbox.has_reply().map_err(protocol)? {
            *in_group = true;
            return Ok(());
        }
        // A relay that answers a group in several small segments may hold the next one back until we have
        // acknowledged this one (Nagle there, delayed acknowledgement here: 40 ms).
        if std::mem::replace(in_group, true) {
            stream.acknowledge_now();
        }
        alarm
            .within(within, |cx| {
                loop {
                    match stream.poll_take_in(cx, inbox) {
                        Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::Io(hung_up()))),
                        Poll::Ready(Ok(_)) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(ErrorKind::Io(error))),
                        Poll::Pending => return Poll::Pending,
                    }
                    match inbox.has_reply() {
                        Ok(true) => return Poll::Ready(Ok(())),
                        Ok(false) => stream.acknowledge_now(),
                        Err(error) => return Poll::Ready(Err(protocol(error))),
                    }
                }
            })
            .await?
    }

    /// Whether it says nothing for this time, and stays connected.
    pub(super) async fn is_silent_for(&mut self, within: Duration) -> bool {
        matches!(self.await_reply(within).await, Err(ErrorKind::Timeout { .. }))
    }

    /// Closes the connection at once.
    pub(super) fn hang_up(&mut self) {
        self.stream = Stream::Gone;
    }

    /// Whether the relay has said something unasked, or is gone. Costs nothing when it has not.
    pub(super) fn has_unsolicited_data(&mut self) -> bool {
        if !self.inbox.is_empty() {
            return true;
        }
        let mut context = Context::from_waker(Waker::noop());
        self.stream.poll_take_in(&mut context, &mut self.inbox).is_ready()
    }

    /// Waits until the relay says something unasked, or is gone.
    pub(super) async fn unsolicited_data(&mut self) {
        poll_fn(|cx| self.stream.poll_take_in(cx, &mut self.inbox).map(drop)).await;
    }
}

impl Stream {
    fn poll_write_parts(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Plain(_) | Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Reads what is there; 0 at the end.
    fn poll_take_in(&mut self, cx: &mut Context<'_>, inbox: &mut Inbox) -> Poll<io::Result<usize>> {
        let mut space = [0; 2048];
        let mut read = ReadBuf::new(&mut space);
        let done = match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, &mut read),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, &mut read),
            Self::Gone => return Poll::Ready(Ok(0)),
        };
        done.map(|result| {
            result.map(|()| {
                inbox.take_in(read.filled());
                read.filled().len()
            })
        })
    }

    #[cfg(target_os = "linux")]
    fn acknowledge_now(&self) {
        let tcp = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Gone => return,
        };
        // Only a matter of speed: a refusal changes nothing.
        let _ = tcp.set_quickack(true);
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge_now(&self) {}
}

/// One timer for all the steps of a connection. It is set again only when a step would end before it rings, so that
/// a letter that goes well costs no timer.
#[derive(Debug)]
struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now())))
    }

    async fn within<T>(
        &mut self,
        within: Duration,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, ErrorKind> {
        let mut deadline = None;
        poll_fn(|cx| {
            if let Poll::Ready(done) = step(cx) {
                return Poll::Ready(Ok(done));
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + within);
            loop {
                if deadline < self.0.deadline() || self.0.is_elapsed() {
                    self.0.as_mut().reset(deadline);
                }
                if self.0.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if deadline <= Instant::now() {
                    return Poll::Ready(Err(timeout(within)));
                }
            }
        })
        .await
    }
}

fn hung_up() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the relay closed the connection")
}

fn timeout(within: Duration) -> ErrorKind {
    ErrorKind::Timeout { seconds: within.as_secs_f64().ceil() as u64 }
}

fn protocol(error: NotAReply) -> ErrorKind {
    ErrorKind::Protocol(error.0.to_owned())
}
