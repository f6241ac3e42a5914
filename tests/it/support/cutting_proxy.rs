//! A proxy in front of PostgreSQL that cuts connections in the middle of a `COMMIT`, before the server has it or after.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// The name of the socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// Where the proxy listens. It goes on until the process ends.
pub(crate) struct CuttingProxy {
    folder: tempfile::TempDir,
    cuts: Arc<Cuts>,
}

/// Which commits are cut.
struct Cuts {
    /// Of so many commits one is cut; 0 cuts none.
    every: u64,
    commits: AtomicU64,
    before: AtomicU64,
    after: AtomicU64,
}

/// What happens to a commit.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    No,
    /// The server never gets it.
    Before,
    /// The server does it, and no one hears of that.
    After,
}

impl Cuts {
    fn next(&self) -> Cut {
        let number = self.commits.fetch_add(1, SeqCst) + 1;
        if self.every == 0 || !number.is_multiple_of(self.every) {
            return Cut::No;
        }
        if (number / self.every).is_multiple_of(2) {
            self.after.fetch_add(1, SeqCst);
            return Cut::After;
        }
        self.before.fetch_add(1, SeqCst);
        Cut::Before
    }
}

/// A stream of either kind, in both directions.
trait Stream: Read + Write + Send + Sized + 'static {
    fn copy(&self) -> Self;
    fn cut(&self);
}

macro_rules! stream {
    ($($kind:ty),*) => {$(
        impl Stream for $kind {
            fn copy(&self) -> Self {
                self.try_clone().unwrap()
            }

            fn cut(&self) {
                let _ = self.shutdown(std::net::Shutdown::Both);
            }
        }
    )*};
}

stream!(UnixStream, std::net::TcpStream);

impl CuttingProxy {
    /// In front of the server whose socket is in this folder. Of `every` so many commits one is cut.
    pub(crate) fn start(server: &Path, every: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("mimeo-cut").tempdir_in("/tmp").unwrap();
        let cuts = Arc::new(Cuts {
            every,
            commits: AtomicU64::new(0),
            before: AtomicU64::new(0),
            after: AtomicU64::new(0),
        });
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (server, shared) = (server.join(SOCKET), Arc::clone(&cuts));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                serve(client, server.clone(), Arc::clone(&shared));
            }
        });
        Self { folder, cuts }
    }

    /// The folder with its socket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many commits were cut before the server had them, and how many after.
    pub(crate) fn cuts(&self) -> (u64, u64) {
        (self.cuts.before.load(SeqCst), self.cuts.after.load(SeqCst))
    }
}

/// Listens at an address of the network, and cuts nothing. Returns the port.
pub(crate) fn on_network(address: &str, server: &Path) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = server.join(SOCKET);
    let cuts = Arc::new(Cuts {
        every: 0,
        commits: AtomicU64::new(0),
        before: AtomicU64::new(0),
        after: AtomicU64::new(0),
    });
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            serve(client, server.clone(), Arc::clone(&cuts));
        }
    });
    port
}

/// Passes on what both sides say, in two threads.
fn serve(client: impl Stream, server: PathBuf, cuts: Arc<Cuts>) {
    let Ok(server) = UnixStream::connect(server) else { return client.cut() };
    let is_cut = Arc::new(AtomicBool::new(false));
    let (mut to_client, mut from_server, cut) = (client.copy(), server.copy(), Arc::clone(&is_cut));
    thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count) = from_server.read(&mut bytes)
            && count > 0
        {
            // Once it is to be cut, the end of the commit is waited for, and nothing is said any more.
            if cut.load(SeqCst) {
                if memchr::memmem::find(&bytes[..count], b"COMMIT\0").is_some() {
                    break;
                }
            } else if to_client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        from_server.cut();
        to_client.cut();
    });
    let (mut from_client, mut to_server) = (client, server);
    thread::spawn(move || {
        let _ = pass_on(&mut from_client, &mut to_server, &cuts, &is_cut);
        from_client.cut();
        if !is_cut.load(SeqCst) {
            to_server.cut();
        }
    });
}

/// Reads message by message: the first has no kind, the others have one.
fn pass_on(
    client: &mut impl Read,
    server: &mut impl Write,
    cuts: &Cuts,
    is_cut: &AtomicBool,
) -> io::Result<()> {
    let mut is_first = true;
    loop {
        let mut head = [0; 5];
        let head = if is_first { &mut head[1..] } else { &mut head[..] };
        client.read_exact(head)?;
        let length = u32::from_be_bytes(*head.last_chunk::<4>().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        client.read_exact(&mut body)?;
        let is_commit = !is_first && head[0] == b'Q' && body.starts_with(b"COMMIT");
        is_first = false;
        match if is_commit { cuts.next() } else { Cut::No } {
            Cut::Before => return Ok(()),
            Cut::After => {
                is_cut.store(true, SeqCst);
                server.write_all(head)?;
                return server.write_all(&body);
            }
            Cut::No => {
                server.write_all(head)?;
                server.write_all(&body)?;
            }
        }
    }
}
