//! Lists the sounds that are built in: every file under `assets/prompts`, by its path there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("assets/prompts");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut list = "&[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(&root).expect("found under it").to_str().expect("a name in ASCII");
        writeln!(list, "    ({name:?}, include_bytes!({file:?})),").expect("room in memory");
    }
    list.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("prompts.rs"), list)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
