//! Accounts of people and tokens of programs: a TOML file beside the keys, readable by its owner only.
//!
//! ```toml
//! [[account]]
//! name = "kim"
//! role = "operator"
//! password = "$argon2id$v=19$m=19456,t=2,p=1$..."
//!
//! [[token]]
//! name = "booking"
//! role = "host"
//! sha256 = "64 hexadecimal digits"
//! ```
//!
//! A password is kept as Argon2id makes it (RFC 9106), with the parameters OWASP asks for at least: 19 MiB, two passes. A token is
//! random, 256 bits, so that a plain hash of it is enough. Neither can be read back from the file.
//!
//! Time: a password takes tens of milliseconds to check, on a thread that may be slow.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use subtle::ConstantTimeEq;

/// What tokens begin with, so that one that was lost is recognised.
const TOKEN_MARK: &str = "tcp_";
/// Characters of a password at least.
pub(crate) const SHORTEST_PASSWORD: usize = 10;
/// Octets of a password at most: a longer one would only cost time.
const LONGEST_PASSWORD: usize = 256;

/// The hash of nothing anybody knows, with the parameters of the others: names that are not known take as long.
const STAND_IN: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3RhbmRpbnN0YW5kaW4$cnt5HLtLh8ZQ7xhFaRAfWKHmSTKqB7GIQiJ6wUjQb0c";

/// What somebody may do. Each may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See events and streams.
    Viewer,
    /// Reserve, and manage what was reserved.
    Host,
    /// Manage everything.
    Operator,
}

impl Role {
    /// As the file has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Host => "host",
            Role::Operator => "operator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let all = [Role::Viewer, Role::Host, Role::Operator];
        all.into_iter().find(|role| role.name() == text).ok_or_else(|| "a role is viewer, host or operator".to_owned())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "account")]
    accounts: Vec<Account>,
    #[serde(default, rename = "token")]
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    role: Role,
    password: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    name: String,
    role: Role,
    sha256: String,
}

/// Everybody who is known.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    file: File,
}

impl Accounts {
    /// Reads the file; nobody when there is none.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn load(path: &Path) -> Result<Accounts, String> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Accounts::default()),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let file: File = toml::from_str(&text).map_err(|e| {
            // Without the line itself, which may hold a hash.
            let line = e.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("{}, line {line}: {}", path.display(), e.message())
        })?;
        for account in &file.accounts {
            PasswordHash::new(&account.password)
                .map_err(|_| format!("{}: the password of {} is no Argon2 hash", path.display(), account.name))?;
        }
        Ok(Accounts { file })
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.accounts.is_empty() && self.file.tokens.is_empty()
    }

    /// The role of an account whose password this is. Takes as long for a name that is not known.
    #[must_use]
    pub fn sign_in(&self, name: &str, password: &str) -> Option<Role> {
        if password.len() > LONGEST_PASSWORD {
            return None;
        }
        let account = self.file.accounts.iter().find(|account| account.name == name);
        let hash = PasswordHash::new(account.map_or(STAND_IN, |a| &a.password)).ok()?;
        let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        account.filter(|_| right).map(|account| account.role)
    }

    /// Name and role of the program whose token this is.
    #[must_use]
    pub fn token(&self, token: &str) -> Option<(&str, Role)> {
        let hash = hash_of(token);
        let is = |known: &&Token| bool::from(known.sha256.as_bytes().ct_eq(hash.as_bytes()));
        self.file.tokens.iter().find(is).map(|token| (token.name.as_str(), token.role))
    }

    fn has(&self, name: &str) -> bool {
        self.file.accounts.iter().any(|a| a.name == name) || self.file.tokens.iter().any(|t| t.name == name)
    }
}

/// Puts an account into the file.
///
/// # Errors
/// In words: the name is taken, the password too short, the file cannot be written.
pub fn add_account(path: &Path, name: &str, role: Role, password: &str) -> Result<(), String> {
    free_name(path, name)?;
    if password.chars().count() < SHORTEST_PASSWORD || password.len() > LONGEST_PASSWORD {
        return Err(format!(
            "a password has at least {SHORTEST_PASSWORD} characters, and at most {LONGEST_PASSWORD} octets"
        ));
    }
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|e| format!("the password cannot be hashed: {e}"))?;
    append(path, &format!("\n[[account]]\nname = \"{name}\"\nrole = \"{}\"\npassword = \"{hash}\"\n", role.name()))
}

/// Puts a token into the file, and gives it: nobody can read it there later.
///
/// # Errors
/// In words: the name is taken, the file cannot be written.
pub fn add_token(path: &Path, name: &str, role: Role) -> Result<String, String> {
    free_name(path, name)?;
    let token = format!("{TOKEN_MARK}{}", random_hex());
    append(
        path,
        &format!("\n[[token]]\nname = \"{name}\"\nrole = \"{}\"\nsha256 = \"{}\"\n", role.name(), hash_of(&token)),
    )?;
    Ok(token)
}

fn free_name(path: &Path, name: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@');
    if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
        return Err("a name has up to 64 letters, digits and signs of - _ . @".to_owned());
    }
    if Accounts::load(path)?.has(name) {
        return Err(format!("{name} is there already: take the entry out of {} first", path.display()));
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> Result<(), String> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

/// 256 random bits.
pub(crate) fn random_hex() -> String {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).expect("the operating system supplies random numbers");
    hex(&octets)
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn hash_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn people_sign_in_with_passwords_and_programs_with_tokens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts.toml");
        assert!(Accounts::load(&path).unwrap().is_empty());
        add_account(&path, "kim", Role::Operator, "a long password").unwrap();
        let token = add_token(&path, "booking", Role::Host).unwrap();
        assert!(PasswordHash::new(STAND_IN).is_ok());
        let accounts = Accounts::load(&path).unwrap();
        assert_eq!(accounts.sign_in("kim", "a long password"), Some(Role::Operator));
        for (name, password) in
            [("kim", "a long passwort"), ("kim", ""), ("pat", "a long password"), ("booking", &token)]
        {
            assert_eq!(accounts.sign_in(name, password), None, "{name}");
        }
        assert_eq!(accounts.token(&token), Some(("booking", Role::Host)));
        assert_eq!(accounts.token(&token[..token.len() - 1]), None);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("$argon2id$v=19$m=19456,t=2,p=1$")
                && !text.contains("long password")
                && !text.contains(&token)
        );
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts.toml");
        assert!(add_account(&path, "kim", Role::Host, "short").unwrap_err().contains("at least 10"));
        assert!(add_account(&path, "kim\"", Role::Host, "a long password").unwrap_err().contains("letters"));
        add_token(&path, "kim", Role::Host).unwrap();
        assert!(add_account(&path, "kim", Role::Host, "a long password").unwrap_err().contains("already"));
        std::fs::write(&path, "[[account]]\nname = \"x\"\nrole = \"king\"\npassword = \"secret\"\n").unwrap();
        let error = Accounts::load(&path).unwrap_err();
        assert!(error.contains("line 3") && !error.contains("secret"), "{error}");
        std::fs::write(&path, "[[account]]\nname = \"x\"\nrole = \"host\"\npassword = \"secret\"\n").unwrap();
        let error = Accounts::load(&path).unwrap_err();
        assert!(error.contains("no Argon2 hash") && !error.contains("secret"), "{error}");
    }
}
