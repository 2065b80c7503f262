//! What pages and reports ask: events, calls, listeners, what happened.
//!
//! No call and no listener waits for any of it.

use super::{Database, DatabaseError};
use event::EventNumber;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

/// Rows on a page at most.
const MOST: u32 = 1000;

/// Whether events that take calls are wanted, or those that do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// Those that take calls.
    Open,
    /// Those that are ended, cancelled or over.
    Closed,
}

/// Which events are wanted; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of this account.
    pub owner: Option<String>,
    /// Only those with this in title or number, in whatever case.
    pub text: Option<String>,
    /// Only those in this state.
    pub state: Option<EventState>,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows passed over.
    pub offset: u32,
    /// Rows at most; more than 1000 are not given.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Page {
        Page { offset: 0, limit: 50 }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// Its number.
    pub number: String,
    /// What it is called; empty if only a gateway has told of it so far.
    pub title: String,
    /// The account it belongs to.
    pub owner: Option<String>,
    /// When it was reserved, in milliseconds of UTC.
    pub created_ms: Option<u64>,
    /// When it is to begin, in milliseconds of UTC.
    pub starts_ms: Option<u64>,
    /// Its formats; none stands for the configured default.
    pub formats: Vec<String>,
    /// `cancelled`, `ended` or `over`; none while it takes calls.
    pub closed: Option<String>,
    /// Since when it takes none, in milliseconds of UTC.
    pub closed_ms: Option<u64>,
}

/// A page of events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventRow>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A call of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRow {
    /// The server.
    pub server: String,
    /// The call, counted since the daemon's start.
    pub call: u64,
    /// `incoming` or `outgoing`.
    pub direction: String,
    /// Number calling, masked if it must not be shown: whoever shows it to a host masks it further.
    pub calling: Option<String>,
    /// host, speaker or listener.
    pub role: Option<String>,
    /// SETUP, in milliseconds of UTC like all that follow.
    pub setup_ms: u64,
    /// In the conference.
    pub joined_ms: Option<u64>,
    /// Out of the conference.
    pub left_ms: Option<u64>,
    /// Released.
    pub end_ms: Option<u64>,
    /// Seconds from connect to end.
    pub seconds: Option<u64>,
    /// Milliseconds of waiting.
    pub waited_ms: u64,
    /// Milliseconds of talk.
    pub talk_ms: u64,
    /// Q.850 cause.
    pub cause: Option<u64>,
    /// far_end, near_end or daemon_stopped.
    pub released_by: String,
}

/// Listeners of a minute in one format from one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The minute's begin, in milliseconds of UTC.
    pub minute_ms: u64,
    /// The server.
    pub server: String,
    /// The format.
    pub format: String,
    /// Most at once.
    pub listeners: u64,
    /// Octets sent.
    pub octets: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// When, in milliseconds of UTC.
    pub at_ms: u64,
    /// On which server.
    pub server: String,
    /// What, in a word.
    pub what: String,
    /// By whom.
    pub by: String,
}

/// An event in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Calls that reached the conference.
    pub calls: u64,
    /// Seconds of all calls together, each begun second counted whole.
    pub call_seconds: u64,
    /// Milliseconds of talk of all callers together.
    pub talk_ms: u64,
    /// The first caller joined, in milliseconds of UTC.
    pub first_ms: Option<u64>,
    /// The last caller left, in milliseconds of UTC.
    pub last_ms: Option<u64>,
    /// Most listeners in one minute, over all formats and servers.
    pub most_listeners: u64,
    /// Listeners times minutes.
    pub listener_minutes: u64,
    /// Octets sent to listeners.
    pub octets: u64,
}

/// Rows in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Of these, events that take calls.
    pub open: u64,
    /// Calls.
    pub calls: u64,
    /// Things that happened.
    pub happenings: u64,
    /// Rows about listeners.
    pub listeners: u64,
}

/// A row, read column by column.
struct Columns<'r>(&'r AnyRow);

impl<'r> Columns<'r> {
    fn get<T: Decode<'r, Any> + Type<Any>>(&self, name: &str) -> Result<T, sqlx::Error> {
        self.0.try_get(name)
    }

    fn number(&self, name: &str) -> Result<u64, sqlx::Error> {
        self.get::<i64>(name).map(i64::unsigned_abs)
    }

    fn maybe(&self, name: &str) -> Result<Option<u64>, sqlx::Error> {
        Ok(self.get::<Option<i64>>(name)?.map(i64::unsigned_abs))
    }
}

const EVENT: &str = "number, title, owner, created_ms, starts_ms, formats, closed, closed_ms";
/// `$1` owner, `$2` text, `$3` wanted state: 0 any, 1 open, 2 closed.
const WHERE: &str = "WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1)
    AND (CAST($2 AS TEXT) IS NULL OR LOWER(title) LIKE $2 ESCAPE '!' OR number LIKE $2 ESCAPE '!')
    AND ($3 = 0 OR ($3 = 1 AND closed IS NULL) OR ($3 = 2 AND closed IS NOT NULL))";

fn event_row(row: &AnyRow) -> Result<EventRow, sqlx::Error> {
    let row = Columns(row);
    Ok(EventRow {
        number: row.get("number")?,
        title: row.get("title")?,
        owner: row.get("owner")?,
        created_ms: row.maybe("created_ms")?,
        starts_ms: row.maybe("starts_ms")?,
        formats: row.get::<String>("formats")?.split_whitespace().map(str::to_owned).collect(),
        closed: row.get("closed")?,
        closed_ms: row.maybe("closed_ms")?,
    })
}

fn call_row(row: &AnyRow) -> Result<CallRow, sqlx::Error> {
    let row = Columns(row);
    Ok(CallRow {
        server: row.get("server")?,
        call: row.number("call")?,
        direction: row.get("direction")?,
        calling: row.get("calling")?,
        role: row.get("role")?,
        setup_ms: row.number("setup_ms")?,
        joined_ms: row.maybe("joined_ms")?,
        left_ms: row.maybe("left_ms")?,
        end_ms: row.maybe("end_ms")?,
        seconds: row.maybe("seconds")?,
        waited_ms: row.number("waited_ms")?,
        talk_ms: row.number("talk_ms")?,
        cause: row.maybe("cause")?,
        released_by: row.get("released_by")?,
    })
}

/// What is looked for anywhere in a text, with nothing in it that `LIKE` takes for a sign of its own.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for character in text.to_lowercase().chars().filter(|c| *c != '\0') {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

impl Database {
    /// Events, newest first.
    ///
    /// # Errors
    /// [`DatabaseError::Away`] or [`DatabaseError::Newer`], as for all questions.
    pub async fn events(&self, filter: &EventFilter, page: Page) -> Result<EventPage, DatabaseError> {
        self.ready().await?;
        let text = filter.text.as_deref().map(pattern);
        let state = filter.state.map_or(0_i64, |state| if state == EventState::Open { 1 } else { 2 });
        let list = format!(
            "SELECT {EVENT} FROM events {WHERE} ORDER BY COALESCE(created_ms, closed_ms, 0) DESC, number LIMIT $4 OFFSET $5"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(list)).bind(filter.owner.as_deref()).bind(text.as_deref()).bind(state);
        let rows = rows.bind(i64::from(page.limit.min(MOST))).bind(i64::from(page.offset)).fetch_all(&self.pool);
        let events = rows.await.and_then(|rows| rows.iter().map(event_row).collect()).map_err(|e| self.away(e))?;
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM events {WHERE}")));
        let count = count.bind(filter.owner.as_deref()).bind(text.as_deref()).bind(state).fetch_one(&self.pool);
        let total = count.await.map_err(|e| self.away(e))?.unsigned_abs();
        Ok(EventPage { events, total })
    }

    /// One event; none if the database has not heard of it.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn event(&self, event: EventNumber) -> Result<Option<EventRow>, DatabaseError> {
        self.ready().await?;
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {EVENT} FROM events WHERE number = $1")));
        let row = query.bind(event.to_string()).fetch_optional(&self.pool).await;
        row.and_then(|row| row.as_ref().map(event_row).transpose()).map_err(|e| self.away(e))
    }

    /// The calls of an event, in the order they came.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn calls(&self, event: EventNumber, page: Page) -> Result<Vec<CallRow>, DatabaseError> {
        self.ready().await?;
        let query = sqlx::query(
            "SELECT server, call, direction, calling, role, setup_ms, joined_ms, left_ms, end_ms, seconds, waited_ms,
                 talk_ms, cause, released_by
             FROM calls WHERE event = $1 ORDER BY setup_ms, server, call LIMIT $2 OFFSET $3",
        );
        let query = query.bind(event.to_string()).bind(i64::from(page.limit.min(MOST))).bind(i64::from(page.offset));
        let rows = query.fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(call_row).collect()).map_err(|e| self.away(e))
    }

    /// The listeners of an event, minute by minute.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn usage(&self, event: EventNumber) -> Result<Vec<UsageRow>, DatabaseError> {
        self.ready().await?;
        let query = sqlx::query(
            "SELECT minute_ms, server, format, listeners, octets FROM listeners WHERE event = $1
             ORDER BY minute_ms, server, format",
        );
        let row = |row: &AnyRow| {
            let row = Columns(row);
            Ok(UsageRow {
                minute_ms: row.number("minute_ms")?,
                server: row.get("server")?,
                format: row.get("format")?,
                listeners: row.number("listeners")?,
                octets: row.number("octets")?,
            })
        };
        let rows = query.bind(event.to_string()).fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(row).collect()).map_err(|e| self.away(e))
    }

    /// What happened to an event and in its conference, in order.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn log(&self, event: EventNumber, page: Page) -> Result<Vec<LogRow>, DatabaseError> {
        self.ready().await?;
        let query = sqlx::query(
            "SELECT at_ms, server, what, by_whom FROM happenings WHERE event = $1
             ORDER BY at_ms, server, what, by_whom LIMIT $2 OFFSET $3",
        );
        let row = |row: &AnyRow| {
            let row = Columns(row);
            let (server, what, by) = (row.get("server")?, row.get("what")?, row.get("by_whom")?);
            Ok(LogRow { at_ms: row.number("at_ms")?, server, what, by })
        };
        let query = query.bind(event.to_string()).bind(i64::from(page.limit.min(MOST))).bind(i64::from(page.offset));
        let rows = query.fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(row).collect()).map_err(|e| self.away(e))
    }

    /// An event in figures.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn report(&self, event: EventNumber) -> Result<Report, DatabaseError> {
        self.ready().await?;
        // PostgreSQL's sums are of a type that SQLite has not.
        let calls = sqlx::query(
            "SELECT COUNT(*) AS calls, CAST(COALESCE(SUM(seconds), 0) AS BIGINT) AS seconds,
                 CAST(COALESCE(SUM(talk_ms), 0) AS BIGINT) AS talk_ms, MIN(joined_ms) AS first_ms,
                 MAX(left_ms) AS last_ms
             FROM calls WHERE event = $1 AND joined_ms IS NOT NULL",
        );
        let listeners = sqlx::query(
            "SELECT CAST(COALESCE(MAX(listeners), 0) AS BIGINT) AS most,
                 CAST(COALESCE(SUM(listeners), 0) AS BIGINT) AS minutes,
                 CAST(COALESCE(SUM(octets), 0) AS BIGINT) AS octets
             FROM (SELECT CAST(SUM(listeners) AS BIGINT) AS listeners, CAST(SUM(octets) AS BIGINT) AS octets
                 FROM listeners WHERE event = $1 GROUP BY minute_ms) AS minutes",
        );
        let asked = async {
            let calls = calls.bind(event.to_string()).fetch_one(&self.pool).await?;
            let listeners = listeners.bind(event.to_string()).fetch_one(&self.pool).await?;
            let (calls, listeners) = (Columns(&calls), Columns(&listeners));
            Ok(Report {
                calls: calls.number("calls")?,
                call_seconds: calls.number("seconds")?,
                talk_ms: calls.number("talk_ms")?,
                first_ms: calls.maybe("first_ms")?,
                last_ms: calls.maybe("last_ms")?,
                most_listeners: listeners.number("most")?,
                listener_minutes: listeners.number("minutes")?,
                octets: listeners.number("octets")?,
            })
        };
        asked.await.map_err(|e| self.away(e))
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// As for [`Database::events`].
    pub async fn counts(&self) -> Result<Counts, DatabaseError> {
        self.ready().await?;
        let query = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM events) AS events,
                 (SELECT COUNT(*) FROM events WHERE closed IS NULL) AS open,
                 (SELECT COUNT(*) FROM calls) AS calls, (SELECT COUNT(*) FROM happenings) AS happenings,
                 (SELECT COUNT(*) FROM listeners) AS listeners",
        );
        let asked = async {
            let row = query.fetch_one(&self.pool).await?;
            let row = Columns(&row);
            Ok(Counts {
                events: row.number("events")?,
                open: row.number("open")?,
                calls: row.number("calls")?,
                happenings: row.number("happenings")?,
                listeners: row.number("listeners")?,
            })
        };
        asked.await.map_err(|e| self.away(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_taken_literally() {
        assert_eq!(pattern("100% A_b!"), "%100!% a!_b!!%");
    }
}
