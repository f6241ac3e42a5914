mod editor;
mod source;

use std::{
    fs,
    io::{self, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use aws_lc_rs::rand;

use editor::{Editor, EditorProgram};
pub(super) use source::INVENTED;
use source::{OpensPlaces, PreviewSource};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues, trusted,
};
use crate::{
    address::EmailAddress,
    config::Overrides,
    web::{self, Access, PreviewBackend as _},
};

/// Show an issue in the browser as readers will see it
///
/// The page updates when you save the issue, a picture, the template, the settings or the list. It is served to this
/// machine only, and nothing is sent but a test letter that you confirm.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo preview
  mimeo preview a-year-in-review --as reader@example.org
  mimeo preview 95 --static preview.html")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name [default: the newest]
    issue: Option<String>,
    /// Serve on this port; 0 means any free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    /// Whose letter to show first [default: the first person on the list; for --static, an invented person]
    #[arg(long = "as", value_name = "ADDRESS")]
    reader: Option<EmailAddress>,
    /// The editor that findings open their places in: the scheme of its addresses, such as vscode, vscodium, cursor or zed; or
    /// `program` for the program that $MIMEO_EDITOR, $VISUAL or $EDITOR names
    #[arg(long, value_name = "EDITOR", default_value = "vscode", value_parser = editor::parse)]
    editor: Editor,
    /// Write the preview as one HTML file and exit
    #[arg(long = "static", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    trust: flags::Trust,
}

/// Findings that name people of the list, which a file that is passed on must not.
const NAMES_PEOPLE: [&str; 4] = ["M492", "M494", "M495", "M496"];

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if !context.has_settings() {
        context.config(Overrides::default())?;
    }
    let file = match &args.issue {
        Some(name) => issues::find(context, name)?,
        None => issues::all(context)?
            .pop()
            .ok_or_else(|| Failure::input("there is no issue yet").hint("begin one: mimeo new \"Title\""))?,
    };
    let source = PreviewSource {
        context: context.clone(),
        file,
        list: args.list.list.clone(),
        is_trusted: args.trust.trust,
        reader: args.reader.clone(),
        editor: match &args.editor {
            Editor::Scheme(scheme) => OpensPlaces::ByAddress(scheme.clone()),
            Editor::Program => OpensPlaces::ByProgram {
                program: EditorProgram::of_environment(&context.directory)?,
                places: Mutex::default(),
            },
        },
    };
    // Asked before there is a page that could not ask. What is wrong with the settings is for the page to say.
    if let Ok((mut config, _)) = context.config_quietly(source.overrides()) {
        trusted::ask(&context.terminal, &mut config)?;
    }
    if let Some(path) = &args.file {
        return write(&source, args.reader.as_ref().map_or(INVENTED, EmailAddress::expose), path);
    }
    let source = Arc::new(source);
    common::runtime()?.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(|error| {
                Failure::outside(error).hint(format!("port {} is taken: name another, or none", args.port))
            })?;
        let host = format!("http://{}", listener.local_addr().map_err(Failure::outside)?);
        let access = Access::new(secret()?, secret()?);
        let url = format!("{host}{}", access.path());
        let (changed, changes) = tokio::sync::watch::channel(0);
        let watched = Arc::clone(&source);
        let watch = web::watch(move || watched.folders(), changed).map_err(Failure::outside)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{url}").and_then(|()| out.flush()).map_err(Failure::output)?;
        drop(out);
        context.terminal.say("Press Ctrl-C to stop");
        if !args.no_open {
            open(&format!("{host}{}", access.path_once().unwrap_or_default()));
        }
        tokio::select! {
            ended = web::serve(listener, source, access, changes) => ended.map_err(Failure::outside)?,
            _ = tokio::signal::ctrl_c() => {}
        }
        drop(watch);
        Ok(Exit::Done)
    })
}

fn write(source: &PreviewSource, reader: &str, path: &Path) -> Result<Exit, Failure> {
    let view = source.view(None, Some(reader));
    let mut findings = source.findings(None);
    if let Some(findings) = findings["findings"].as_array_mut() {
        findings.retain(|one| !NAMES_PEOPLE.iter().any(|code| one["code"] == **code));
    }
    let page = web::static_page(&view, &findings);
    fs::write(path, page).map_err(|error| Failure::file("write", path, error))?;
    source.context.terminal.say(&format!("{}", path.display()));
    Ok(if view.problems.is_empty() { Exit::Done } else { Exit::BadInput })
}

/// 128 random bits, in hexadecimal digits.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)
        .map_err(|_| Failure::outside(io::Error::other("no random numbers from the system")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Asks the desktop for a browser; without one the address on the terminal is enough.
pub(super) fn open(url: &str) {
    let (program, before): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(before).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A desktop without that program is no error.
    let _ = command.spawn();
}
