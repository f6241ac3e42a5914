//! A page that shows one issue in many designs.

use super::page::escape;

/// An issue in one design: what it is called, what it is for, and the files of its letter.
#[derive(Clone, Debug)]
pub struct DesignSample {
    /// The design's name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Bytes of HTML.
    pub bytes: usize,
    /// The file of the letter on a light background, beside the page.
    pub light: String,
    /// The file of the letter on a dark background.
    pub dark: String,
}

/// The page: the issue in each design, then in each palette. It has no script.
pub fn designs(title: &str, templates: &[DesignSample], palettes: &[DesignSample]) -> String {
    let section = |heading: &str, setting: &str, samples: &[DesignSample]| {
        let all: String = samples.iter().map(|sample| one(sample, setting)).collect();
        format!("<h2>{heading}</h2>\n{all}")
    };
    include_str!("page/designs.html")
        .replace("<!--style-->", include_str!("page/designs.css"))
        .replace("<!--title-->", &escape(title))
        .replace("<!--templates-->", &section("Designs", "template", templates))
        .replace("<!--palettes-->", &section("Palettes", "palette", palettes))
}

fn one(sample: &DesignSample, setting: &str) -> String {
    let name = escape(&sample.name);
    let frame = |scheme: &str, file: &str| {
        format!(
            "<iframe title=\"{name}, {scheme}\" src=\"{}\" sandbox loading=\"lazy\" width=\"375\" height=\"600\"></iframe>",
            escape(file)
        )
    };
    format!(
        "<section>\n<header><h3>{name}</h3><p>{}</p><p><code>{setting} = \"{name}\"</code></p><p>{:.1} KB of HTML</p></header>\n\
         {}{}\n</section>\n",
        escape(&sample.about),
        sample.bytes as f64 / 1000.0,
        frame("light", &sample.light),
        frame("dark", &sample.dark),
    )
}
