//! No circle of files: what a file of `src` uses never leads back to it.
//!
//! Every path that begins with `crate`, `self` or `super` is followed to the file that defines its item, through re-exports; those in
//! attributes and macros too. Tests inside `src` are left out: they may look at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, UseTree, Visibility};

use super::harness::schemas::root;

/// A module, by its path from the crate's root.
type Module = Vec<String>;

#[derive(Default)]
struct Sources {
    /// Each file by its module. `main.rs` is a crate of its own, which nothing can use.
    files: BTreeMap<Module, File>,
    /// Names that a file has from elsewhere: its imports and re-exports.
    imports: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Sources {
    fn read(folder: &Path, module: &Module, sources: &mut Self) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let below = || [module.as_slice(), std::slice::from_ref(&name)].concat();
            if path.is_dir() {
                Self::read(&path, &below(), sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "main" {
                let module = if ["mod", "lib"].contains(&name.as_str()) {
                    module.clone()
                } else {
                    below()
                };
                let file = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
                sources.files.insert(module, file);
            }
        }
    }

    /// The file in which the item of a path is defined; `None` for what is not ours.
    fn file_of(&self, path: &Module, depth: usize) -> Option<Module> {
        assert!(depth < 20, "{path:?} leads to itself");
        for length in (0..=path.len()).rev() {
            let (module, rest) = path.split_at(length);
            if !self.files.contains_key(module) {
                continue;
            }
            let target = rest.first().and_then(|name| self.imports.get(module)?.get(name));
            return match target {
                Some(target) => self.file_of(&[target, rest.get(1..).unwrap()].concat(), depth + 1),
                None => Some(module.to_vec()),
            };
        }
        None
    }
}

/// A path as it is written, as one from the crate's root; `None` for one that leads out of the crate.
fn absolute(module: &Module, written: &[String]) -> Option<Module> {
    let (first, rest) = written.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module, rest].concat()),
        "super" => {
            let parent = module.split_last()?.1.to_vec();
            if rest.first().is_some_and(|next| next == "super") {
                absolute(&parent, rest)
            } else {
                Some([&parent, rest].concat())
            }
        }
        _ => None,
    }
}

/// Every leaf of `use a::{b, c as d}`: the name it gives, and its path.
fn leaves(tree: &UseTree, prefix: &Module, found: &mut Vec<(String, Module)>) {
    match tree {
        UseTree::Path(path) => leaves(
            &path.tree,
            &[prefix.as_slice(), &[path.ident.to_string()]].concat(),
            found,
        ),
        UseTree::Name(name) if name.ident == "self" => {
            found.push((prefix.last().cloned().unwrap_or_default(), prefix.clone()));
        }
        UseTree::Name(name) => {
            found.push((
                name.ident.to_string(),
                [prefix.as_slice(), &[name.ident.to_string()]].concat(),
            ));
        }
        UseTree::Rename(rename) => {
            found.push((
                rename.rename.to_string(),
                [prefix.as_slice(), &[rename.ident.to_string()]].concat(),
            ));
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, prefix, found)),
        UseTree::Glob(_) => found.push(("*".to_owned(), prefix.clone())),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let names_test = |attribute: &&Attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    };
    attributes.iter().any(|attribute| names_test(&attribute))
}

/// The paths of a file that lead to files of ours.
struct Paths<'a> {
    module: &'a Module,
    found: Vec<Module>,
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A re-export gives others a shorter name; whoever uses it is followed to the item itself.
        if matches!(item.vis, Visibility::Inherited) {
            let mut found = Vec::new();
            leaves(&item.tree, &Vec::new(), &mut found);
            self.found
                .extend(found.iter().filter_map(|(_, path)| absolute(self.module, path)));
        }
    }

    /// `pub(super)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.visit_words(&list.tokens.to_string());
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_words(&call.tokens.to_string());
        visit::visit_macro(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.found.extend(absolute(self.module, &written));
        visit::visit_path(self, path);
    }
}

impl Paths<'_> {
    /// Paths in what is not parsed. Shape: `value_parser = crate :: config :: check_id`.
    fn visit_words(&mut self, tokens: &str) {
        let is_of_word = |character: char| character.is_alphanumeric() || character == '_';
        let is_word = |word: &str| word.chars().all(is_of_word);
        let mut spaced = String::new();
        for character in tokens.replace("::", " :: ").chars() {
            if is_of_word(character) || character == ':' {
                spaced.push(character);
            } else {
                spaced.extend([' ', character, ' ']);
            }
        }
        let words: Vec<&str> = spaced.split_whitespace().collect();
        for (at, first) in words.iter().enumerate() {
            // `$crate` is a word after a sign of its own, as is the rest of a path.
            let begins = at
                .checked_sub(1)
                .and_then(|before| words.get(before))
                .is_none_or(|before| *before != "::");
            if begins && ["crate", "self", "super"].contains(first) {
                let rest = words.get(at + 1..).unwrap_or_default().chunks_exact(2);
                let rest = rest
                    .take_while(|pair| pair[0] == "::" && is_word(pair[1]))
                    .map(|pair| pair[1].to_owned());
                let written: Vec<_> = std::iter::once((*first).to_owned()).chain(rest).collect();
                if written.len() > 1 {
                    self.found.extend(absolute(self.module, &written));
                }
            }
        }
    }
}

/// For each file, the files that it uses.
fn graph(sources: &Sources) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut graph = BTreeMap::new();
    for (module, file) in &sources.files {
        let mut paths = Paths {
            module,
            found: Vec::new(),
        };
        paths.visit_file(file);
        let used = paths.found.iter().filter_map(|path| sources.file_of(path, 0));
        graph.insert(module.clone(), used.filter(|used| used != module).collect());
    }
    graph
}

/// The files that a file reaches, itself only if there is a way back.
fn reached(graph: &BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module.clone()) {
            next.extend(&graph[module]);
        }
    }
    reached
}

fn sources() -> Sources {
    let mut sources = Sources::default();
    Sources::read(&root().join("src"), &Vec::new(), &mut sources);
    // Files that hold tests only are declared with `#[cfg(test)]`.
    let mut for_tests = Vec::new();
    for (module, file) in &sources.files {
        let mut found = Vec::new();
        for item in &file.items {
            match item {
                Item::Mod(item) if is_for_tests(&item.attrs) => {
                    for_tests.push([module.as_slice(), &[item.ident.to_string()]].concat());
                }
                Item::Use(item) => leaves(&item.tree, &Vec::new(), &mut found),
                _ => {}
            }
        }
        let imports = found
            .into_iter()
            .filter_map(|(name, path)| Some((name, absolute(module, &path)?)));
        let imports: BTreeMap<_, _> = imports
            .filter(|(name, path)| [module.as_slice(), std::slice::from_ref(name)].concat() != *path)
            .collect();
        sources.imports.insert(module.clone(), imports);
    }
    sources
        .files
        .retain(|module, _| !for_tests.iter().any(|tests| module.starts_with(tests)));
    sources
}

#[test]
fn paths_are_found_in_code_attributes_and_macros() {
    let file = syn::parse_file(
        "use crate::a::B; use super::c; \
         struct Arguments { #[arg(value_parser = crate::config::check)] id: String } \
         pub(super) fn one() { crate::d::e(); self.f; format!(\"{}\", super::g::h(crate::i::J)); } \
         #[cfg(test)] mod tests { use crate::never; }",
    );
    let module = ["x".to_owned(), "y".to_owned()].to_vec();
    let mut paths = Paths {
        module: &module,
        found: Vec::new(),
    };
    paths.visit_file(&file.unwrap());
    let mut found: Vec<_> = paths.found.iter().map(|path| path.join("::")).collect();
    found.sort();
    assert_eq!(
        found,
        ["a::B", "config::check", "d::e", "i::J", "x::c", "x::g::h", "x::y"]
    );
}

#[test]
fn no_file_leads_back_to_itself() {
    let sources = sources();
    let graph = graph(&sources);
    assert!(graph.len() > 100 && graph.values().map(BTreeSet::len).sum::<usize>() > 400);
    let mut circles = BTreeSet::new();
    for module in graph.keys() {
        let reached = reached(&graph, module);
        if reached.contains(module) {
            let circle: BTreeSet<_> = reached
                .iter()
                .filter(|other| self::reached(&graph, other).contains(module))
                .collect();
            let edges = circle.iter().flat_map(|from| {
                graph[*from]
                    .iter()
                    .filter(|to| circle.contains(to))
                    .map(|to| format!("{} → {}", from.join("::"), to.join("::")))
            });
            circles.insert(edges.collect::<Vec<_>>().join("\n"));
        }
    }
    let circles: Vec<_> = circles.into_iter().collect();
    assert!(circles.is_empty(), "circles of files:\n{}", circles.join("\n\n"));
}
