//! The packs that are built in: the files under `assets/prompts`.

use std::fs;
use std::io;
use std::path::Path;

/// Each file by its path, in order.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/prompts.rs"));

/// The languages there are, by their codes.
pub fn languages() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(path, _)| path.strip_suffix("/language.toml"))
}

/// Whether this one is there.
#[must_use]
pub fn is_built_in(code: &str) -> bool {
    languages().any(|known| known == code)
}

/// A file of a language.
pub fn file(language: &str, name: &str) -> Option<&'static [u8]> {
    let path = format!("{language}/{name}");
    FILES.binary_search_by(|(known, _)| (*known).cmp(path.as_str())).ok().map(|place| FILES[place].1)
}

/// What a file of a language says: in words, from the table the sounds are made from.
pub fn words(language: &str, name: &str) -> Option<&'static str> {
    let table = std::str::from_utf8(file(language, "prompts.txt")?).ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split('\t');
        (fields.next() == Some(name)).then(|| fields.next())?
    })
}

/// Write the files of all languages to a directory, to begin a pack with; what is there stays as it is.
///
/// # Errors
/// Of the first file that could not be written.
pub fn write_to(directory: &Path) -> io::Result<()> {
    for (path, octets) in FILES {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::File::create_new(&path) {
            Ok(mut file) => io::Write::write_all(&mut file, octets)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_found_by_language_and_name() {
        assert_eq!(languages().collect::<Vec<_>>(), ["de", "en", "es", "fr"]);
        for (path, octets) in FILES {
            let (language, name) = path.split_once('/').expect("a directory each");
            assert_eq!(file(language, name), Some(*octets), "{path}");
            if let Some(name) = name.strip_suffix(".wav") {
                assert!(words(language, name).is_some(), "{path} is in no table");
            }
        }
        assert_eq!(words("de", "numbers/21"), None);
        assert_eq!(words("en", "goodbye"), Some("Goodbye."));
    }

    #[test]
    fn a_pack_is_begun_with_a_copy_that_overwrites_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let own = directory.path().join("en/goodbye.wav");
        fs::create_dir_all(own.parent().expect("it has one")).expect("made");
        fs::write(&own, "mine").expect("written");
        write_to(directory.path()).expect("written");
        assert_eq!(fs::read(&own).expect("read"), b"mine");
        assert_eq!(
            Some(&*fs::read(directory.path().join("fr/numbers/et-un.wav")).expect("read")),
            file("fr", "numbers/et-un.wav")
        );
    }
}
