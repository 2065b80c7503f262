//! Records into tables, with the place in their file, in one transaction.
//!
//! The place is moved first, from where it is thought to be: if it is elsewhere, another program has applied
//! these lines, and nothing is done. So each line counts once however often it is tried.
//!
//! Source: `INSERT ... ON CONFLICT` as SQLite (since 3.24) and PostgreSQL (since 9.5) both have it.

use super::{Database, DatabaseError};
use crate::feed::{Batch, Place};
use crate::record::{Call, Happening, Record, Reservation, Usage};
use sqlx::{Any, AnyConnection, Row};
use std::collections::BTreeMap;

type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

/// How an attempt to apply a batch went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database cannot work now: try again later.
    Away(sqlx::Error),
    /// This line will never be taken.
    Refused { line: usize, reason: String },
    /// Another program has moved the place.
    Moved,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Failure {
        Failure::Away(error)
    }
}

impl Database {
    /// How far all sources have been applied.
    pub(crate) async fn places(&self) -> Result<BTreeMap<String, Place>, DatabaseError> {
        let rows = sqlx::query("SELECT source, position, mark FROM applied").fetch_all(&self.pool).await;
        let place = |row: &sqlx::any::AnyRow| {
            let position: i64 = row.try_get("position")?;
            Ok((row.try_get("source")?, Place { position: position.unsigned_abs(), mark: row.try_get("mark")? }))
        };
        rows.and_then(|rows| rows.iter().map(place).collect()).map_err(|e| self.away(e))
    }

    /// These sources are gone and need not be remembered.
    pub(crate) async fn forget(&self, sources: &[String]) -> Result<(), DatabaseError> {
        for source in sources {
            let query = sqlx::query("DELETE FROM applied WHERE source = $1").bind(source);
            query.execute(&self.pool).await.map_err(|e| self.away(e))?;
        }
        Ok(())
    }

    /// Applies the records of a batch, each with its line's number, and moves the place: all or nothing.
    pub(crate) async fn apply(&self, batch: &Batch, records: &[(usize, Record)]) -> Result<(), Failure> {
        let mut transaction = self.pool.begin().await?;
        move_place(&mut transaction, batch).await?;
        for (line, record) in records {
            if let Err(error) = write(&mut transaction, record).await {
                return Err(match refusal(&error) {
                    Some(reason) => Failure::Refused { line: *line, reason },
                    None => Failure::Away(error),
                });
            }
        }
        Ok(transaction.commit().await?)
    }
}

async fn move_place(connection: &mut AnyConnection, batch: &Batch) -> Result<(), Failure> {
    let statement = if batch.before == Place::default() {
        "INSERT INTO applied (position, mark, source) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE applied SET position = $1, mark = $2 WHERE source = $3 AND position = $4"
    };
    let mut query =
        sqlx::query(statement).bind(number(batch.after.position)?).bind(&batch.after.mark).bind(&batch.source);
    if batch.before != Place::default() {
        query = query.bind(number(batch.before.position)?);
    }
    if query.execute(connection).await?.rows_affected() == 1 { Ok(()) } else { Err(Failure::Moved) }
}

/// Why a statement was refused for what it says, if that was it: constraints and values, which will be the
/// same tomorrow. All else may be otherwise then.
fn refusal(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Encode(_) => Some(error.to_string()),
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            // PostgreSQL's classes 22 (data exception) and 23 (constraint); SQLite's TOOBIG, CONSTRAINT, MISMATCH
            // in the low octet of its extended codes.
            let refused = match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
                _ => code.len() == 5 && (code.starts_with("22") || code.starts_with("23")),
            };
            refused.then(|| database.message().to_owned())
        }
        _ => None,
    }
}

fn number(value: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

fn maybe(value: Option<u64>) -> Result<Option<i64>, sqlx::Error> {
    value.map(number).transpose()
}

async fn write(connection: &mut AnyConnection, record: &Record) -> Result<(), sqlx::Error> {
    match record {
        Record::Reservation(reservation) => write_reservation(connection, reservation).await,
        Record::Happening(happening) => write_happening(connection, happening).await,
        Record::Call(call) => run(connection, call_query(call)?).await,
        Record::Usage(usage) => run(connection, usage_query(usage)?).await,
    }
}

async fn run(connection: &mut AnyConnection, query: Query<'_>) -> Result<(), sqlx::Error> {
    query.execute(connection).await.map(|_| ())
}

async fn write_reservation(connection: &mut AnyConnection, r: &Reservation) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO events (number, title, owner, created_ms, changed_ms, starts_ms, formats)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (number) DO UPDATE SET title = excluded.title, owner = excluded.owner,
             created_ms = excluded.created_ms, changed_ms = excluded.changed_ms,
             starts_ms = excluded.starts_ms, formats = excluded.formats
         WHERE events.changed_ms <= excluded.changed_ms",
    );
    let query = query.bind(r.event.to_string()).bind(&r.title).bind(r.owner.as_deref());
    let query = query.bind(number(r.created_ms)?).bind(number(r.changed_ms)?).bind(maybe(r.starts_ms)?);
    run(connection, query.bind(r.formats.join(" "))).await
}

async fn write_happening(connection: &mut AnyConnection, h: &Happening) -> Result<(), sqlx::Error> {
    let (event, at_ms) = (h.event.to_string(), number(h.at_ms)?);
    let query = sqlx::query(
        "INSERT INTO happenings (event, at_ms, server, what, by_whom) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    );
    let query = query.bind(&event).bind(at_ms).bind(&h.server).bind(h.what.name()).bind(&h.by);
    run(connection, query).await?;
    // The event may be one whose reservation has not come yet, or was made elsewhere.
    let created = (h.what == crate::record::Happened::Reserved).then_some(at_ms);
    let known = sqlx::query("INSERT INTO events (number, created_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    run(connection, known.bind(&event).bind(created)).await?;
    if h.what.closes() {
        // Of several the greatest is told, cancelled before ended before over: so they are in the alphabet.
        let closed = sqlx::query(
            "UPDATE events SET closed = $1, closed_ms = $2 WHERE number = $3 AND (closed IS NULL OR closed > $4)",
        );
        run(connection, closed.bind(h.what.name()).bind(at_ms).bind(&event).bind(h.what.name())).await?;
    }
    Ok(())
}

fn usage_query(usage: &Usage) -> Result<Query<'_>, sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO listeners (event, minute_ms, server, format, listeners, octets) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (event, minute_ms, server, format) DO UPDATE SET
             listeners = CASE WHEN excluded.listeners > listeners.listeners THEN excluded.listeners
                 ELSE listeners.listeners END,
             octets = CASE WHEN excluded.octets > listeners.octets THEN excluded.octets ELSE listeners.octets END",
    );
    let query = query.bind(usage.event.to_string()).bind(number(usage.minute_ms)?).bind(&usage.server);
    Ok(query.bind(&usage.format).bind(number(usage.listeners)?).bind(number(usage.octets)?))
}

fn call_query(call: &Call) -> Result<Query<'_>, sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO calls (server, setup_ms, call, direction, span, channel, called, calling, event, role, connect_ms,
             joined_ms, left_ms, end_ms, seconds, wrong_entries, waited_ms, talk_ms, muted_ms, cause, cause_location,
             released_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
         ON CONFLICT DO NOTHING",
    );
    let query = query.bind(&call.server).bind(number(call.setup_ms)?).bind(number(call.call)?).bind(&call.direction);
    let query = query.bind(number(call.span)?).bind(number(call.channel)?).bind(&call.called);
    let query = query.bind(call.calling.as_deref()).bind(call.event.as_deref()).bind(call.role.as_deref());
    let query = query.bind(maybe(call.connect_ms)?).bind(maybe(call.joined_ms)?).bind(maybe(call.left_ms)?);
    let query = query.bind(maybe(call.end_ms)?).bind(maybe(call.seconds)?).bind(number(call.wrong_entries)?);
    let query = query.bind(number(call.waited_ms)?).bind(number(call.talk_ms)?).bind(number(call.muted_ms)?);
    let query = query.bind(maybe(call.cause)?).bind(call.cause_location.as_deref());
    Ok(query.bind(&call.released_by))
}
