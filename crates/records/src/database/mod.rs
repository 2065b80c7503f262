//! The database: SQLite in a file, or PostgreSQL, by the same statements.
//!
//! Opening it connects to nothing. What is asked first connects and brings the tables to this version's form;
//! several programs may try that at once.
//!
//! Data path: [`apply`] ← the writer; [`query`] → pages and reports.
//! Time: a question waits for a connection for at most [`PATIENCE`].
//! Words: *migration*, a file of statements that brings the tables from one form to the next.

pub(crate) mod apply;
pub mod query;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Executor};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a question waits for a connection.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Connections for questions.
const CONNECTIONS: u32 = 4;

/// From nothing to the newest form, in order.
const MIGRATIONS: [&str; 1] = [include_str!("schema-1.sql")];

/// What goes wrong with the database.
#[derive(Debug)]
pub enum DatabaseError {
    /// The address is none that is known: `sqlite:FILE`, or `postgres://USER@HOST/NAME`.
    Address {
        /// Why.
        reason: String,
    },
    /// It cannot be reached, or cannot work now.
    Away {
        /// The database, without a password.
        database: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Its tables are of a newer version of this program.
    Newer {
        /// The database, without a password.
        database: String,
        /// The form of its tables.
        version: i64,
    },
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseError::Address { reason } => write!(f, "no address of a database: {reason}"),
            DatabaseError::Away { database, .. } => write!(f, "the database {database} does not answer"),
            DatabaseError::Newer { database, version } => write!(
                f,
                "the tables of the database {database} are of form {version}; this program knows forms up to {}",
                MIGRATIONS.len()
            ),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DatabaseError::Away { source, .. } => Some(source),
            DatabaseError::Address { .. } | DatabaseError::Newer { .. } => None,
        }
    }
}

/// The database, for questions.
#[derive(Debug)]
pub struct Database {
    pool: AnyPool,
    shown: String,
    ready: OnceCell<()>,
}

impl Database {
    /// The database at this address: `sqlite:FILE`, which is made if need be in a directory that is there, or
    /// `postgres://USER@HOST/NAME`. Connects to nothing yet.
    ///
    /// # Errors
    /// [`DatabaseError::Address`].
    pub fn open(address: &str) -> Result<Database, DatabaseError> {
        Self::with_connections(address, CONNECTIONS)
    }

    pub(crate) fn with_connections(address: &str, connections: u32) -> Result<Database, DatabaseError> {
        sqlx::any::install_default_drivers();
        let reason = |reason: &str| DatabaseError::Address { reason: reason.to_owned() };
        let sqlite = address.starts_with("sqlite:");
        if !sqlite && !address.starts_with("postgres:") && !address.starts_with("postgresql:") {
            return Err(reason("it begins with sqlite: or postgres:"));
        }
        let full = if sqlite && !address.contains('?') { format!("{address}?mode=rwc") } else { address.to_owned() };
        let options = AnyConnectOptions::from_str(&full)
            // What is wrong is told without the address, which may hold a password.
            .map_err(|error| reason(&error.to_string().replace(&full, "...")))?
            .disable_statement_logging();
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            // A database that was away is not asked over a connection from before.
            .test_before_acquire(true)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // What is committed is on the disk; who reads does not wait for who writes.
                        let set = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000";
                        connection.execute(sqlx::raw_sql(set)).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        Ok(Database { pool, shown: without_password(address), ready: OnceCell::new() })
    }

    /// Connects, and brings the tables to this version's form.
    ///
    /// # Errors
    /// [`DatabaseError::Away`] or [`DatabaseError::Newer`].
    pub async fn ready(&self) -> Result<(), DatabaseError> {
        self.ready.get_or_try_init(|| self.migrate()).await.map(|_| ())
    }

    /// Its address without a password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Lets go of all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn migrate(&self) -> Result<(), DatabaseError> {
        let begun = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY)";
        self.pool.execute(begun).await.map_err(|e| self.away(e))?;
        let version: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM migrations")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| self.away(e))?;
        if version > MIGRATIONS.len() as i64 {
            return Err(DatabaseError::Newer { database: self.shown.clone(), version });
        }
        for (number, statements) in (1_i64..).zip(MIGRATIONS) {
            self.step(number, statements).await.map_err(|e| self.away(e))?;
        }
        Ok(())
    }

    /// One migration, unless it has been done. Another program that does it at the same time is waited for
    /// at the first statement.
    async fn step(&self, number: i64, statements: &'static str) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let noted = sqlx::query("INSERT INTO migrations (version) VALUES ($1) ON CONFLICT DO NOTHING");
        if noted.bind(number).execute(&mut *transaction).await?.rows_affected() == 1 {
            transaction.execute(sqlx::raw_sql(statements)).await?;
        }
        transaction.commit().await
    }

    fn away(&self, source: sqlx::Error) -> DatabaseError {
        DatabaseError::Away { database: self.shown.clone(), source }
    }
}

/// An address for people: what is between the user's name and the `@` stays out, and so does what follows `?`.
fn without_password(address: &str) -> String {
    let address = address.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, place)) => format!("{scheme}://{}@{place}", user.split(':').next().unwrap_or_default()),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("postgres://tc:se:cr@et@db/records?password=x"), "postgres://tc@db/records");
        assert_eq!(
            without_password("sqlite:/var/lib/trunkcast/records.db?mode=rwc"),
            "sqlite:/var/lib/trunkcast/records.db"
        );
        assert_eq!(without_password("postgres:///records?host=/run/pg"), "postgres:///records");
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_in_words() {
        for wrong in ["mysql://db/records", "records.db", "postgres://user:secret@host:port/x"] {
            let Err(DatabaseError::Address { reason }) = Database::open(wrong) else { panic!("{wrong}") };
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
