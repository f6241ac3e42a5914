use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use url::Url;

use super::{
    formula::file_name,
    loaded::{Assets, is_relative},
    picture::{Asset, PicturePlace, PictureSettings, encode_path},
    play,
    sandbox::{Fence, Found, Leads, PathSandbox},
    sniff,
    vendored::{Vendored, folder_name, short_digest, vendor_name},
    walk::{Pointer, pointers},
};
use crate::{
    files::{Readers, write_atomically},
    issue::{Issue, Part},
    source::{Diagnostic, Diagnostics, Place, Severity, Source, nearest},
};

impl Assets {
    /// Reads every picture that the issue names, and those that the template names (`extra_pictures`), and draws the
    /// play marks. Names are looked up beside the issue, then in `root`, the newsletter's folder, then beside the file
    /// that names them; nothing outside `root` is read.
    pub fn load(
        issue: &Issue,
        settings: &PictureSettings<'_>,
        extra_pictures: &[(String, Place)],
        root: &Path,
    ) -> (Self, Diagnostics) {
        load(issue, settings, extra_pictures, root)
    }
}

/// A bigger picture is refused.
const PICTURE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Pictures past this, all together, are refused.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A bigger file of stored data is refused.
const DATA_BYTES_MAX: u64 = 64 * 1024;

/// See [`Assets::load`].
fn load(
    issue: &Issue,
    settings: &PictureSettings<'_>,
    extra_pictures: &[(String, Place)],
    root: &Path,
) -> (Assets, Diagnostics) {
    let mut diagnostics = Vec::new();
    let place = picture_place(issue, settings, &mut diagnostics);
    let site = settings.site.and_then(|site| {
        let site = if site.ends_with('/') { site.to_owned() } else { format!("{site}/") };
        Url::parse(&site).ok().filter(|url| !url.cannot_be_a_base())
    });
    let mut assets = Assets {
        place,
        site,
        base: None,
        list_id: settings.domain.to_owned(),
        vendor: folder_name(issue.source.path()),
        assets: Vec::new(),
        sources: BTreeMap::new(),
        vendored: BTreeMap::new(),
        played: BTreeMap::new(),
    };
    let issue_path = issue.source.path();
    let sandbox = match PathSandbox::new(root, issue_path) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let file = Place::File { path: root.to_owned() };
            let message = format!("the newsletter's folder cannot be opened: {error}");
            diagnostics.push(Diagnostic::at("M233", Severity::Error, file, message));
            return (assets, diagnostics);
        }
    };
    let folder = sandbox.folder().strip_prefix(sandbox.root()).unwrap_or(Path::new(""));
    let mut folder = folder.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
    if !folder.is_empty() {
        folder.push('/');
    }
    assets.base = assets.site.as_ref().and_then(|site| site.join(&encode_path(&folder)).ok());
    let mut loader = Loader {
        source: &issue.source,
        vendor: folder_name(issue_path),
        folder,
        sandbox,
        assets,
        diagnostics,
        bytes: 0,
    };
    for (source, place) in extra_pictures {
        loader.picture(source, place.clone());
    }
    pointers(&issue.document, &mut |pointer, span| {
        let place = issue.source.place(span);
        match pointer {
            Pointer::Picture(source) => loader.picture(source, place),
            Pointer::Link(url) => {
                if let Some(Part::Text(first)) = url.0.first() {
                    loader.link(first, place);
                }
            }
            Pointer::Video(video) => {
                loader.data(&video.url, video.still.is_none(), "video", &place);
                if let Some(still) = loader.assets.video(video).still {
                    let place = if still.span.is_empty() { place } else { issue.source.place(still.span) };
                    loader.still(&still.source, &place);
                }
            }
            Pointer::Formula(style, tex) => loader.formula(&file_name(style, tex), place),
            Pointer::Post(post) => {
                loader.data(&post.url, post.blocks.is_empty(), "post", &place);
                if let Some(image) = loader.assets.post(post).image {
                    let place = if image.span.is_empty() { place } else { issue.source.place(image.span) };
                    loader.picture(&image.source, place);
                }
            }
        }
    });
    (loader.assets, loader.diagnostics)
}

/// The issue's own word on where its pictures are, or the newsletter's.
fn picture_place(
    issue: &Issue,
    settings: &PictureSettings<'_>,
    diagnostics: &mut Diagnostics,
) -> PicturePlace {
    let span = issue.head.spans.get("pictures").cloned().unwrap_or(0..0);
    let place = match issue.head.pictures.as_deref() {
        None => settings.place,
        Some("inside") => PicturePlace::Inside,
        Some("site") => PicturePlace::Site,
        Some(other) => {
            let help = nearest(other, ["inside", "site"])
                .map_or("write `inside` or `site`".to_owned(), |near| format!("did you mean `{near}`?"));
            let message = format!("pictures cannot be `{other}`");
            diagnostics.push(Diagnostic::error("M235", &issue.source, span.clone(), message).help(help));
            settings.place
        }
    };
    if place == PicturePlace::Site && settings.site.is_none() {
        let message = "pictures are to be at the site, but the newsletter has no `site`";
        diagnostics.push(
            Diagnostic::error("M235", &issue.source, span, message)
                .help("set `site` in mimeo.toml, or `pictures = \"inside\"`"),
        );
    }
    place
}

struct Loader<'a> {
    source: &'a Source,
    sandbox: PathSandbox,
    /// The issue's folder from the newsletter's folder, empty or with `/` at the end.
    folder: String,
    /// The name of the folder with stored data, in the issue's folder.
    vendor: String,
    assets: Assets,
    diagnostics: Diagnostics,
    /// All pictures' bytes so far.
    bytes: usize,
}

impl Loader<'_> {
    fn report(
        &mut self,
        code: &'static str,
        severity: Severity,
        place: &Place,
        message: String,
        help: String,
    ) {
        self.diagnostics.push(Diagnostic::at(code, severity, place.clone(), message).help(help));
    }

    fn error(&mut self, code: &'static str, place: &Place, message: String, help: &str) {
        self.report(code, Severity::Error, place, message, help.to_owned());
    }

    fn picture(&mut self, source: &str, place: Place) {
        // A placeholder in a picture's address was reported when the issue was read (M208).
        if self.assets.sources.contains_key(source) || source.contains("{{") {
            return;
        }
        if let Some((relative, bytes)) = self.load(source, &place) {
            self.keep(source, relative, bytes, &place);
        }
    }

    /// Reads a picture: its path from the newsletter's folder and its bytes. `None` for one on the web, for one that is
    /// known under another name, and for one that was reported.
    fn load(&mut self, source: &str, place: &Place) -> Option<(String, Vec<u8>)> {
        let beside = match place {
            Place::File { path } | Place::Text { path, .. } | Place::Row { path, .. } => path.parent(),
        };
        let (path, relative) = match self.sandbox.find(source, beside, self.assets.site.is_some()) {
            Ok(Found::Remote) => return None,
            Ok(Found::File { path, relative }) => (path, relative),
            Err(refused) => {
                self.report(refused.code, Severity::Error, place, refused.message, refused.help);
                return None;
            }
        };
        if let Some(index) = self.assets.assets.iter().position(|asset| asset.path == relative) {
            self.assets.sources.insert(source.to_owned(), index);
            return None;
        }
        match read_at_most(&path, PICTURE_BYTES_MAX) {
            Ok(Some(bytes)) if self.bytes + bytes.len() <= ALL_BYTES_MAX => return Some((relative, bytes)),
            Ok(Some(_)) => {
                let message = format!("with `{relative}` the issue's pictures are over 64 MB");
                self.error("M234", place, message, "make the pictures smaller, or fewer");
            }
            Ok(None) => {
                let message = format!("the picture `{relative}` is over 10 MB");
                self.error("M234", place, message, "make it smaller; 1200 pixels are wide enough");
            }
            Err(error) => {
                let message = format!("the picture `{relative}` cannot be read: {error}");
                self.error("M233", place, message, "check the file's permissions");
            }
        }
        None
    }

    /// Keeps a picture under a name.
    fn keep(&mut self, source: &str, relative: String, bytes: Vec<u8>, place: &Place) {
        let Some(sniffed) = sniff::sniff(&bytes) else {
            let message = format!("`{relative}` is not a picture");
            return self.error("M233", place, message, "use a PNG, JPEG or GIF file");
        };
        self.bytes += bytes.len();
        let list_id = self.assets.list_id.trim();
        let domain = if list_id.is_empty() { "mimeograph.invalid" } else { list_id };
        self.assets.sources.insert(source.to_owned(), self.assets.assets.len());
        self.assets.assets.push(Asset {
            path: relative,
            width: sniffed.size.map(|size| size.0),
            height: sniffed.size.map(|size| size.1),
            media_type: sniffed.media_type,
            is_drawn: false,
            cid: format!("{}@{domain}", short_digest(&[&bytes])),
            bytes: Arc::from(bytes),
        });
    }

    fn link(&mut self, url: &str, place: Place) {
        if self.assets.base.is_none() && is_relative(url) {
            let message = format!("the link `{url}` is not a complete URL");
            self.error(
                "M236",
                &place,
                message,
                "write the whole address with `https://`, or set `site` in mimeo.toml",
            );
        }
    }

    /// Reads what is stored about a video or a post.
    fn data(&mut self, url: &str, is_bare: bool, kind: &str, place: &Place) {
        if self.assets.vendored.contains_key(url) {
            return;
        }
        let relative = format!("{}{}/{}.toml", self.folder, self.vendor, vendor_name(url));
        let path = self.sandbox.root().join(&relative);
        let inside = match self.sandbox.leads(&path) {
            Leads::Inside(path) => Some(path),
            Leads::Outside => {
                let message = format!("`{relative}` lies outside the newsletter's folder");
                return self.error("M238", place, message, "delete the link and run `mimeo vendor` again");
            }
            Leads::Nowhere => None,
        };
        let text = match inside.map(|path| read_at_most(&path, DATA_BYTES_MAX)) {
            Some(Ok(Some(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Ok(None)) => {
                let message = format!("`{relative}` is over 64 KB");
                return self.error("M238", place, message, "delete it and run `mimeo vendor` again");
            }
            Some(Err(error)) => {
                let message = format!("`{relative}` cannot be read: {error}");
                return self.error("M238", place, message, "check the file's permissions");
            }
            None if is_bare => {
                let message = format!("nothing is known about this {kind}, so it is shown as a plain link");
                let more = if kind == "video" { "title=\"…\" still=\"…\"" } else { "author=\"…\"" };
                let help = format!(
                    "run `mimeo vendor {}`, or write what is to be shown: `::: {kind} url=\"…\" {more}`",
                    self.source.path().display()
                );
                return self.report("M237", Severity::Warning, place, message, help);
            }
            None => return,
        };
        match toml::from_str::<Vendored>(&text) {
            Ok(mut data) => {
                for file in [&mut data.still, &mut data.picture].into_iter().flatten() {
                    *file = format!("{}/{file}", self.vendor);
                }
                self.assets.vendored.insert(url.to_owned(), data);
            }
            Err(error) => {
                let source = Source::new(relative, text);
                let span = error.span().unwrap_or(0..0);
                let diagnostic = Diagnostic::error("M238", &source, span, error.message().to_owned());
                self.diagnostics.push(diagnostic.help("fix it, or delete it and run `mimeo vendor` again"));
            }
        }
    }

    /// Takes the picture of a formula that was drawn before; without one the formula stays TeX.
    fn formula(&mut self, name: &str, place: Place) {
        let source = format!("{}/{name}", self.vendor);
        if self.sandbox.root().join(format!("{}{source}", self.folder)).is_file() {
            self.picture(&source, place);
        }
    }

    /// Makes the still with a play mark, or takes the one made before. The bare still is not kept: no one shows it.
    fn still(&mut self, source: &str, place: &Place) {
        if self.assets.played.contains_key(source) || self.assets.played.values().any(|key| key == source) {
            return;
        }
        let loaded = match self.assets.picture(source) {
            Some(asset) => Some((asset.path.clone(), asset.bytes.to_vec())),
            None => self.load(source, place).or_else(|| {
                self.assets.picture(source).map(|asset| (asset.path.clone(), asset.bytes.to_vec()))
            }),
        };
        let Some((path, bytes)) = loaded else { return };
        let name = path.rsplit('/').next().unwrap_or(&path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let stem =
            format!("{}/{stem}.play-{}", self.vendor, short_digest(&[play::VERSION.as_bytes(), &bytes]));
        let made = ["jpg", "png"].map(|extension| format!("{stem}.{extension}"));
        let made =
            made.into_iter().find(|key| self.sandbox.root().join(format!("{}{key}", self.folder)).is_file());
        let key = match made {
            Some(key) => {
                self.picture(&key, place.clone());
                key
            }
            None => match play::mark(&bytes) {
                Ok((marked, extension)) => {
                    let key = format!("{stem}.{extension}");
                    self.store(&key, &marked, place);
                    self.keep(&key, format!("{}{key}", self.folder), marked, place);
                    key
                }
                Err(error) => {
                    let message = format!("no play mark can be drawn into `{path}`: {error}");
                    self.report("M239", Severity::Warning, place, message, "use a PNG or JPEG still".into());
                    return self.picture(source, place.clone());
                }
            },
        };
        self.assets.played.insert(source.to_owned(), key);
    }

    /// Writes a still beside the issue. A folder that cannot be written to does no harm, unless readers are to fetch the
    /// picture from the site.
    fn store(&mut self, key: &str, bytes: &[u8], place: &Place) {
        let path = self.sandbox.root().join(format!("{}{key}", self.folder));
        if let Err(error) = write_inside(self.sandbox.root(), &path, bytes)
            && self.assets.place == PicturePlace::Site
        {
            let message = format!("the still `{}{key}` cannot be stored: {error}", self.folder);
            let help = "make the issue's folder writable, so that the still can be published".to_owned();
            self.report("M239", Severity::Warning, place, message, help);
        }
    }
}

/// The bytes of a file, or `None` when it is too big.
fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    // One more than there are, so that one look behind the end is enough.
    let capacity = file.metadata()?.len().min(bytes_max) as usize + 1;
    let mut bytes = Vec::with_capacity(capacity);
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// Writes a file whole or not at all, inside `root` only.
pub(crate) fn write_inside(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    if !matches!(Fence::new(root)?.leads(folder), Leads::Inside(_)) {
        return Err(io::Error::other("the folder lies outside the newsletter's folder"));
    }
    // A picture for the site has to be readable for whoever publishes it.
    write_atomically(path, bytes, Readers::Everybody)
}
