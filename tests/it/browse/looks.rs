//! The letter in the preview keeps its look, whatever a person does: computed styles and pixels, in each browser.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{HEAD, ends_well, holds, opened, opened_in, shows, square};
use crate::support::{
    project::Project,
    tab::{BROWSERS, Tab},
};

/// What a person sees of the letter: how its words look, by the styles that the browser computed.
const LOOK: &str = "['phone', 'desktop'].map((id) => {
    const page = document.getElementById(id).contentDocument;
    return ['h1', 'h2', 'p', 'a', 'body', '[role=article]', 'td'].map((name) => {
        const node = page.querySelector(name), style = page.defaultView.getComputedStyle(node);
        return [name, style.fontFamily, style.fontSize, style.lineHeight, style.color, style.backgroundColor, style.margin,
            style.padding, style.textDecorationLine].join(' ');
    });
})";

/// The letter looks as it does in a page that was loaded a moment ago, to the last style and pixel.
#[track_caller]
fn looks_as_loaded(tab: &mut Tab, browser: &str, action: &str) {
    let look = |tab: &mut Tab| {
        let styles = tab.run(&format!("return await page.evaluate(() => {LOOK})"));
        let pixels: Vec<Value> = ["phone", "desktop"]
            .map(|id| {
                tab.run(&format!(
                    "return (await page.locator('figure.{id} .glass').screenshot()).toString('base64')"
                ))
            })
            .into();
        (styles, pixels)
    };
    let ready = "document.documentElement.dataset.shown && !document.querySelector('#inbox').hidden";
    tab.until(ready);
    let (styles, pixels) = look(tab);
    tab.run(
        "const [chosen, dark, off] = await page.evaluate(() =>
             [search.value, document.getElementById('dark').ariaPressed, document.getElementById('images').ariaPressed]);
         await page.reload();
         if (await page.locator('#dark').getAttribute('aria-pressed') !== dark) await page.keyboard.press('d');
         if (off === 'true') await page.keyboard.press('i');
         if (chosen) { await page.locator('#search').fill(chosen); await page.keyboard.press('Enter'); }",
    );
    tab.until(&format!("{ready} && document.documentElement.dataset.pending === '0'"));
    let (styles_loaded, pixels_loaded) = look(tab);
    assert_eq!(styles, styles_loaded, "{browser}, after {action}");
    for (window, (after, loaded)) in pixels.iter().zip(&pixels_loaded).enumerate() {
        let [after, loaded] =
            [after, loaded].map(|picture| STANDARD.decode(picture.as_str().unwrap()).unwrap());
        let differing = differing_pixels(&after, &loaded);
        // A handful is the browser's own: edges of letters that were drawn while it was busy.
        if differing > 100 {
            let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
            fs::write(folder.join("after-action.png"), after).unwrap();
            fs::write(folder.join("loaded.png"), loaded).unwrap();
            panic!("{browser}: {differing} pixels of window {window} differ after {action}: see {folder:?}");
        }
    }
}

/// How many pixels of two pictures differ; all, if they have different sizes.
fn differing_pixels(one: &[u8], other: &[u8]) -> usize {
    let [one, other] = [one, other].map(|bytes| image::load_from_memory(bytes).unwrap().to_rgb8());
    if one.dimensions() != other.dimensions() {
        return usize::MAX;
    }
    one.pixels().zip(other.pixels()).filter(|(one, other)| one != other).count()
}

#[test]
fn the_letter_keeps_its_styles_after_each_action_in_every_browser() {
    for browser in BROWSERS {
        let project = Project::new()
            .file("issues/7.md", format!("{HEAD}## The workshop\n\nDear {{{{ subscriber.first_name | default(\"friend\") }}}}, the [kettle](https://example.org/).\n\n![A red square](square.png)\n"))
            .file("issues/square.png", square(40));
        let Some((_preview, mut tab)) = opened_in(browser, &project) else { return };
        shows(&mut tab, "Dear Bob, the kettle");
        holds(&mut tab, "page.defaultView.getComputedStyle(page.querySelector('h2')).fontSize === '27px'");
        looks_as_loaded(&mut tab, browser, "the start");
        for (word, renamed) in [("teapot", false), ("lantern", true)] {
            let text = project.read("issues/7.md").replace("kettle", word).replace("teapot", word);
            if renamed {
                project.write("issues/.7.md.swp", text);
                fs::rename(project.path("issues/.7.md.swp"), project.path("issues/7.md")).unwrap();
            } else {
                project.write("issues/7.md", text);
            }
            shows(&mut tab, word);
            looks_as_loaded(&mut tab, browser, "a save");
        }
        tab.run("await page.keyboard.press('d')");
        holds(&mut tab, "page.defaultView.getComputedStyle(page.documentElement).colorScheme === 'dark'");
        looks_as_loaded(&mut tab, browser, "Dark");
        project.write("issues/7.md", project.read("issues/7.md").replace("lantern", "bellows"));
        shows(&mut tab, "bellows");
        looks_as_loaded(&mut tab, browser, "a save in the dark");
        tab.run(
            "await page.locator('#search').fill('carol@example.net'); await page.keyboard.press('Enter')",
        );
        shows(&mut tab, "Dear friend");
        looks_as_loaded(&mut tab, browser, "the choice of a reader");
        tab.run("await page.locator('#dark').click(); await page.locator('#images').click()");
        holds(&mut tab, "page.querySelector('[alt=\"A red square\"]')?.naturalWidth === 0");
        looks_as_loaded(&mut tab, browser, "Images off");
        ends_well(tab);
    }
}

#[test]
fn the_page_can_be_looked_at() {
    let target = std::env::var_os("MIMEO_PICTURES").map(PathBuf::from);
    let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    fs::create_dir_all(&target).unwrap();
    let project = Project::gradient_ascent();
    // Something to find, so that there is something to see.
    let path = "issues/2022-12-30-a-year-in-review/index.md";
    let issue = project
        .read(path)
        .replace("Every December I read", "Every December I [click here](http://example.com/), read");
    fs::remove_file(project.path("issues/2023-01-06-the-quiet-week.md")).unwrap();
    project.write(path, &issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let picture = |tab: &mut Tab, name: &str, whole: bool| {
        holds(tab, "[...page.images].every((picture) => picture.complete)");
        let path = Value::from(target.join(format!("preview-{name}.png")).display().to_string());
        tab.run(&format!("await page.screenshot({{ path: {path}, fullPage: {whole} }})"));
    };
    for (device, width, height) in [("phone", 375, 812), ("laptop", 1280, 800), ("desktop", 1600, 1000)] {
        for scheme in ["dark", "light"] {
            tab.run(&format!(
                "await page.setViewportSize({{ width: {width}, height: {height} }});
                 await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.reload()"
            ));
            shows(&mut tab, "pot of tea");
            tab.run("await page.getByRole('button', { name: 'does not say where' }).waitFor()");
            picture(&mut tab, &format!("{device}-{scheme}"), device == "phone");
        }
    }
    tab.run("await page.getByRole('button', { name: 'does not say where' }).click()");
    picture(&mut tab, "found", false);
    tab.run("await page.locator('#search').fill('org'); await page.locator('#people [role=option]').first().waitFor()");
    tab.run("await page.keyboard.press('ArrowDown')");
    picture(&mut tab, "readers", false);
    tab.run("await page.keyboard.press('Escape')");
    project.write(
        path,
        issue.replace("title: A year", "title: [A year").replace("pot of tea", "{{ subscriber.pot }} of tea"),
    );
    tab.run("await page.getByRole('alert').waitFor()");
    picture(&mut tab, "broken", false);
    ends_well(tab);
}
