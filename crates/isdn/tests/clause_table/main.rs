//! docs/CLAUSES.md is made here, and cannot rot: it follows from the `Clauses:` line that each test file of the three areas
//! has in its header, from the clauses that the modules cite beside their lines, and from a list of what must be there.
//!
//! `UPDATE_CLAUSES=1 cargo test -p isdn --test clause_table` writes it anew. The test fails when the document differs, when
//! a clause of the list has no test or no module, when a test cites a clause that the list has not, and when a test file
//! has no such line or is not part of its program.

mod list;

use list::{Clause, DOCUMENTS, Document, NOT_DONE};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const AREAS: [&str; 3] = ["q921", "q931", "service"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files at or below a path, in order.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| sources(path)).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

fn document(name: &str) -> Option<&'static Document> {
    DOCUMENTS.iter().find(|document| document.name == name)
}

/// The row a citation belongs to: the clause itself, or the nearest above it.
fn row(document: &'static Document, cited: &str) -> Option<&'static Clause> {
    let belongs = |(number, ..): &&Clause| {
        cited.strip_prefix(number).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    document.clauses.iter().filter(belongs).max_by_key(|(number, ..)| number.len())
}

/// What a header cites: `Clauses: Q.931 5.8.9, 9 T309; Q.850 2 (27)`.
fn citations(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! Clauses: ")) {
        let mut name = "";
        for part in line.split([',', ';']).map(str::trim) {
            let (first, rest) = part.split_once(' ').unwrap_or((part, ""));
            if document(first).is_some() {
                name = first;
                found.push((name.into(), rest.into()));
            } else {
                found.push((name.into(), part.into()));
            }
        }
    }
    found
}

/// Clause numbers that a module's text has: digits and dots, and not the bandwidth of telephony.
fn numbers(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let text = text.replace("3.1 kHz", "").replace("3.1kHz", "");
    for token in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.') {
        let token = token.trim_matches('.');
        let is_clause = token.contains('.') && token.split('.').all(|part| part.parse::<u8>().is_ok_and(|n| n > 0));
        if is_clause {
            found.insert(token.to_string());
        }
    }
    found
}

/// Key: document and clause.
type Found = BTreeMap<(&'static str, &'static str), BTreeSet<String>>;

fn tests(wrong: &mut Vec<String>) -> (Found, BTreeMap<(String, String), BTreeSet<String>>) {
    let (mut found, mut refused) = (Found::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for area in AREAS {
        let program = read(&here(&format!("tests/{area}/main.rs")));
        for path in sources(&here(&format!("tests/{area}"))) {
            let stem = path.file_stem().expect("a file").to_string_lossy().into_owned();
            let name = format!("{area}/{stem}.rs");
            if !program.contains(&format!("mod {stem};")) && stem != "main" {
                wrong.push(format!("tests/{name} is not run: add `mod {stem};` to tests/{area}/main.rs"));
            }
            if ["main", "support"].contains(&stem.as_str()) {
                continue;
            }
            let cited = citations(&read(&path));
            if cited.is_empty() {
                wrong.push(format!("tests/{name} names no clause: its header needs `//! Clauses: Q.931 5.8.9, ...`"));
            }
            for (document_name, clause) in cited {
                let covered = document(&document_name).and_then(|document| Some((document, row(document, &clause)?)));
                let left_out = NOT_DONE.iter().find(|(document, number, ..)| {
                    *document == document_name && (clause == *number || clause.starts_with(&format!("{number}.")))
                });
                match (covered, left_out) {
                    (Some((document, (number, ..))), _) => {
                        found.entry((document.name, number)).or_default().insert(name.clone());
                    }
                    (None, Some((document, number, ..))) => {
                        refused.entry((document.to_string(), number.to_string())).or_default().insert(name.clone());
                    }
                    (None, None) => wrong.push(format!(
                        "tests/{name} cites {document_name} {clause}, which tests/clause_table/list.rs has not"
                    )),
                }
            }
        }
    }
    (found, refused)
}

fn modules(wrong: &mut Vec<String>) -> Found {
    let mut found = Found::new();
    for document in &DOCUMENTS {
        for path in document.modules.iter().flat_map(|path| sources(&here(&format!("src/{path}")))) {
            let name = path.strip_prefix(here("src")).expect("below src").to_string_lossy().into_owned();
            for number in numbers(&read(&path)) {
                if let Some((clause, ..)) = row(document, &number) {
                    found.entry((document.name, clause)).or_default().insert(name.clone());
                }
            }
        }
        for (clause, _, module) in document.clauses {
            if let Some(module) = module {
                if !here(&format!("src/{module}")).is_file() {
                    wrong.push(format!("src/{module}, which is to have {} {clause}, is not there", document.name));
                }
                found.entry((document.name, clause)).or_default().insert((*module).into());
            }
        }
    }
    found
}

fn code(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn table(tests: &Found, refused: &BTreeMap<(String, String), BTreeSet<String>>, modules: &Found) -> String {
    let mut text = String::from(
        "# From clause to module to test\n\n\
         Written by `UPDATE_CLAUSES=1 cargo test -p isdn --test clause_table`; the same test, without the variable, fails when this\n\
         page is out of date, or when a clause has lost its module or its test. Titles are ours. Modules are in `crates/isdn/src`,\n\
         tests in `crates/isdn/tests`: one file a situation, its header tells the story.\n",
    );
    for document in &DOCUMENTS {
        text += &format!(
            "\n## {} {}\n\n| clause | title | modules | tests |\n|---|---|---|---|\n",
            document.name, document.about
        );
        for (clause, title, _) in document.clauses {
            let key = (document.name, *clause);
            let empty = BTreeSet::new();
            let modules = modules.get(&key).unwrap_or(&empty);
            let tests = tests.get(&key).unwrap_or(&empty);
            text += &format!("| {clause} | {title} | {} | {} |\n", code(modules), code(tests));
        }
    }
    text += "\n## Not done\n\n| clause | title | because | tests |\n|---|---|---|---|\n";
    for (document, clause, title, because) in NOT_DONE {
        let tests = refused.get(&(document.to_string(), clause.to_string())).map(code).unwrap_or_default();
        text += &format!("| {document} {clause} | {title} | {because} | {tests} |\n");
    }
    text
}

#[test]
fn every_clause_has_its_module_and_its_test() {
    let mut wrong = Vec::new();
    let (tests, refused) = tests(&mut wrong);
    let modules = modules(&mut wrong);
    for document in &DOCUMENTS {
        for (clause, title, _) in document.clauses {
            let key = (document.name, *clause);
            if !tests.contains_key(&key) {
                wrong.push(format!("{} {clause} ({title}) has no test", document.name));
            }
            if !modules.contains_key(&key) {
                wrong.push(format!("{} {clause} ({title}) is cited by no module", document.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));

    let page = here("../../docs/CLAUSES.md");
    let text = table(&tests, &refused, &modules);
    if std::env::var_os("UPDATE_CLAUSES").is_some() {
        fs::write(&page, &text).expect("docs/CLAUSES.md can be written");
    }
    let committed = fs::read_to_string(&page).unwrap_or_default();
    if let Some((new, old)) = text.lines().zip(committed.lines().chain(std::iter::repeat(""))).find(|(a, b)| a != b) {
        panic!(
            "docs/CLAUSES.md is out of date: run UPDATE_CLAUSES=1 cargo test -p isdn --test clause_table\n- {old}\n+ {new}"
        );
    }
    assert_eq!(text, committed, "run UPDATE_CLAUSES=1 cargo test -p isdn --test clause_table");
}
