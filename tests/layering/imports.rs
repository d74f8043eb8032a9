//! The files of a source tree and what they import, read from their text.
//!
//! Knows modules, `use` trees, re-exports and paths in code; neither macros nor names that a
//! function brings into scope. Code behind `#[cfg(test)]` at the end of a file is left out: tests
//! may use anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Module paths (`player::abr`; the crate root is empty) and the text of their files.
pub(crate) type Sources = BTreeMap<String, String>;

/// For each module, the modules whose items it names.
pub(crate) type Imports = BTreeMap<String, BTreeSet<String>>;

/// The files below `root`, by module path.
pub(crate) fn read(root: &Path) -> Sources {
    let mut sources = Sources::new();
    visit(root, "", &mut sources);
    sources
}

fn visit(folder: &Path, prefix: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            visit(&path, &join(prefix, name), sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = match name {
                "mod" => prefix.to_owned(),
                "lib" if prefix.is_empty() => String::new(),
                name => join(prefix, name),
            };
            sources.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}

/// What every module imports, resolved through re-exports to the module that defines the item.
pub(crate) fn imports(sources: &Sources) -> Imports {
    let code = sources
        .iter()
        .map(|(module, text)| (module.as_str(), code_of(text)));
    let code: BTreeMap<&str, String> = code.collect();
    let mut tree = Tree {
        modules: code.keys().map(|module| (*module).to_owned()).collect(),
        uses: BTreeMap::new(),
    };
    for (module, text) in &code {
        let uses = uses(text);
        let named = uses.into_iter().filter_map(|(public, path)| {
            let (target, item) = tree.resolve(module, &path)?;
            let (item, alias) = (item?, path.rsplit("::").next()?.to_owned());
            let named = Use {
                target,
                item,
                public,
            };
            (named.target != *module).then_some((alias, named))
        });
        let named: BTreeMap<String, Use> = named.collect();
        tree.uses.insert((*module).to_owned(), named);
    }
    let targets =
        |(module, text): (&&str, &String)| ((*module).to_owned(), tree.targets(module, text));
    code.iter().map(targets).collect()
}

struct Use {
    target: String,
    item: String,
    public: bool,
}

struct Tree {
    modules: BTreeSet<String>,
    uses: BTreeMap<String, BTreeMap<String, Use>>,
}

impl Tree {
    /// The deepest module on `path` as written in `module`, and the item after it.
    fn resolve(&self, module: &str, path: &str) -> Option<(String, Option<String>)> {
        let mut segments = path.split("::").peekable();
        let mut base = module.to_owned();
        match *segments.peek()? {
            "crate" => {
                segments.next();
                base.clear();
            }
            "self" | "super" => {
                while let Some(step) = segments.next_if(|s| matches!(*s, "self" | "super")) {
                    if step == "super" {
                        base = base.rsplit_once("::").map_or("", |(up, _)| up).to_owned();
                    }
                }
            }
            first if self.modules.contains(&join(module, first)) => {}
            _ => return None,
        }
        while let Some(next) = segments.next_if(|s| self.modules.contains(&join(&base, s))) {
            base = join(&base, next);
        }
        Some((base, segments.next().map(str::to_owned)))
    }

    /// The module that defines `item`, which `module` has or re-exports.
    fn home(&self, module: String, item: Option<&str>, depth: usize) -> String {
        let reexport = item.and_then(|item| self.uses.get(&module)?.get(item));
        match reexport {
            Some(found) if depth < 6 => {
                self.home(found.target.clone(), Some(&found.item), depth + 1)
            }
            _ => module,
        }
    }

    fn targets(&self, module: &str, text: &str) -> BTreeSet<String> {
        let named = self.uses[module].values();
        // A parent that re-exports a child does not depend on it.
        let below = format!("{module}::");
        let named = named
            .filter(|u| !(u.public && (module.is_empty() || u.target.starts_with(&below))))
            .map(|u| self.home(u.target.clone(), Some(&u.item), 0));
        let inline = inline_paths(text).into_iter().filter_map(|path| {
            let (target, item) = self.resolve(module, &path)?;
            Some(self.home(target, item.as_deref(), 0))
        });
        let mut targets: BTreeSet<String> = named.chain(inline).collect();
        targets.remove(module);
        targets
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}::{name}")
    }
}

/// The text without comments and without the tests at its end.
fn code_of(text: &str) -> String {
    let tests = ["#[cfg(test)]", "#[cfg(all(test"].map(|start| text.find(start));
    let text = &text[..tests.into_iter().flatten().min().unwrap_or(text.len())];
    let lines = text.lines().map(|line| match line.find("//") {
        Some(at) if !line[..at].contains('"') => &line[..at],
        _ => line,
    });
    let code = lines.collect::<Vec<_>>().join("\n");
    // The path in `pub(in path)` imports nothing.
    let mut parts = code.split("pub(in ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |code, part| {
        code + part.split_once(')').map_or(part, |(_, rest)| rest)
    })
}

/// Every path that a `use` names, with its groups spread out, and whether it is re-exported.
fn uses(code: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let statements = code.split(';').filter_map(|part| {
        let start = part.rfind("use ")?;
        let before = part[..start].trim_end();
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let public = line.starts_with("pub");
        (line.is_empty() || public || line.ends_with(']')).then(|| (public, &part[start + 4..]))
    });
    for (public, tree) in statements {
        let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        spread("", &tree, &mut |path| found.push((public, path.to_owned())));
    }
    found
}

fn spread(prefix: &str, tree: &str, found: &mut dyn FnMut(&str)) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        if !path.is_empty() {
            found(format!("{prefix}{path}").trim_end_matches("::self"));
        }
        return;
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&prefix, &group[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
    spread(&prefix, &group[start..], found);
}

/// Paths of two segments and more in the code outside `use` statements.
fn inline_paths(code: &str) -> Vec<String> {
    let outside = code
        .split_inclusive(';')
        .map(|part| match part.rfind("use ") {
            Some(at) if part.ends_with(';') && !part[at..].contains('(') => &part[..at],
            _ => part,
        });
    let text = outside.collect::<String>();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
    let paths = paths.map(|word| word.trim_end_matches(':').to_owned());
    paths.collect()
}
