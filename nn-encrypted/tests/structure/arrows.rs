//! Arrows between the files of a crate: from a file to each whose items it names.
//!
//! A path counts for the file that defines what it leads to, however many re-exports stand between. What a module
//! defines is common ground for the modules inside it, so their paths to it do not count. Nor do the re-exports of what
//! stands inside a module; where it uses the name itself, it counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::crates::{Crate, Place, Sources};

/// Files, and the files whose items each names, with the paths that do.
pub(crate) type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The arrows of a crate.
pub(crate) fn arrows(package: &str, sources: &Sources) -> Arrows {
    let all = Crate::read(package, sources);
    let mut out = Arrows::new();
    for (here, module) in all.modules.iter().enumerate() {
        let from = out.entry(module.file.clone()).or_default();
        let imports = module.mentions.imports.iter().map(|import| (&import.path, import.public));
        for (path, public) in imports.chain(module.mentions.paths.iter().map(|path| (path, false))) {
            let Some(Place::Item(there, _)) = all.resolve(here, path) else { continue };
            let file = &all.modules[there].file;
            let counts = !(all.is_inside(here, there) || public && all.is_inside(there, here));
            if counts && *file != module.file {
                from.entry(file.clone()).or_default().insert(path.join("::"));
            }
        }
    }
    out
}

/// Sets of files each of which leads to every other, larger than one file, and each in order.
pub(crate) fn circles(arrows: &Arrows) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|file| (file.as_str(), reached(arrows, file))).collect();
    let circle = |file: &str| -> Vec<String> {
        let back = reached[file].iter().filter(|other| reached[*other].contains(file));
        back.map(|&other| other.to_owned()).collect()
    };
    arrows.keys().map(|file| circle(file)).filter(|circle| circle.len() > 1).collect()
}

/// All files that a file leads to, in any number of steps but none.
fn reached<'a>(arrows: &'a Arrows, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = arrows[from].keys().map(String::as_str).collect();
    while let Some(file) = next.pop() {
        if found.insert(file) {
            next.extend(arrows[file].keys().map(String::as_str));
        }
    }
    found
}

/// The arrows inside a set of files, for a message.
pub(crate) fn told(arrows: &Arrows, files: &[String]) -> String {
    let mut lines = String::new();
    for from in files {
        for (to, paths) in arrows[from].iter().filter(|(to, _)| files.contains(to)) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            lines += &format!("  {from} → {to}: {}\n", paths.join(", "));
        }
    }
    lines
}
