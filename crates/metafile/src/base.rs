//! Where listeners are told to find a stream.
//!
//! A template with places for what differs from stream to stream: by default the host the listener asked, so
//! that an answer is right whatever way he came; behind a relay or a delivery network, its address.

use std::fmt;
use std::str::FromStr;

/// The template of public addresses: `https://cdn.example.com/{port}/{path}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

/// A text that is no template of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseError {
    /// It does not begin with `http://` or `https://`.
    Scheme,
    /// It does not say where the path goes.
    NoPath,
    /// It has a place for something that there is not.
    UnknownPlace(String),
    /// A sign that an address cannot have.
    Sign(char),
}

impl fmt::Display for BaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BaseError::Scheme => f.write_str("a public address begins with http:// or https://"),
            BaseError::NoPath => f.write_str("a public address has a place for {path}"),
            BaseError::UnknownPlace(place) => {
                write!(f, "{{{place}}} is not known: {{host}}, {{port}} and {{path}} are")
            }
            BaseError::Sign(sign) => write!(f, "{sign:?} cannot stand in an address"),
        }
    }
}

impl std::error::Error for BaseError {}

impl Default for Base {
    /// The port itself, on the host the listener asked.
    fn default() -> Self {
        Base("http://{host}:{port}/{path}".to_owned())
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Self, BaseError> {
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return Err(BaseError::Scheme);
        }
        let fits = |c: char| c.is_ascii_graphic() && !"\"<>\\^`|#".contains(c);
        if let Some(sign) = text.chars().find(|&c| !fits(c)) {
            return Err(BaseError::Sign(sign));
        }
        let mut rest = text;
        while let Some(begin) = rest.find(['{', '}']) {
            let place = rest[begin + 1..].split('}').next().unwrap_or_default();
            let whole = rest[begin..].starts_with('{') && rest[begin + 1 + place.len()..].starts_with('}');
            if !(whole && ["host", "port", "path"].contains(&place)) {
                return Err(BaseError::UnknownPlace(place.to_owned()));
            }
            rest = &rest[begin + place.len() + 2..];
        }
        if text.contains("{path}") { Ok(Base(text.to_owned())) } else { Err(BaseError::NoPath) }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Base {
    /// The public address of what is at this path on this port. A host that is no host's name is not repeated:
    /// `otherwise` stands for it.
    #[must_use]
    pub fn address(&self, host: Option<&str>, otherwise: &str, port: u16, path: &str) -> String {
        let host = host.map(without_port).filter(|host| is_host(host)).unwrap_or(otherwise);
        self.0.replace("{host}", host).replace("{port}", &port.to_string()).replace("{path}", path)
    }
}

/// A `Host` line without its port.
fn without_port(host: &str) -> &str {
    match host.rfind(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            (1..=253).contains(&host.len()) && host.bytes().all(fits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_sent_where_he_came_from_or_to_the_network() {
        let direct = Base::default();
        for (host, expected) in [
            (Some("gw.example.com:10003"), "http://gw.example.com:10003/4711.mp3"),
            (Some("gw.example.com"), "http://gw.example.com:10003/4711.mp3"),
            (Some("[2001:db8::1]:10003"), "http://[2001:db8::1]:10003/4711.mp3"),
            (Some("192.0.2.7:80"), "http://192.0.2.7:10003/4711.mp3"),
            (None, "http://127.0.0.1:10003/4711.mp3"),
            (Some("evil\"><script>"), "http://127.0.0.1:10003/4711.mp3"),
            (Some("a/b"), "http://127.0.0.1:10003/4711.mp3"),
            (Some("user@host"), "http://127.0.0.1:10003/4711.mp3"),
            (Some("[::1"), "http://127.0.0.1:10003/4711.mp3"),
            (Some(""), "http://127.0.0.1:10003/4711.mp3"),
        ] {
            assert_eq!(direct.address(host, "127.0.0.1", 10_003, "4711.mp3"), expected, "{host:?}");
        }
        let network: Base = "https://cdn.example.net/live/{port}/{path}?a=b".parse().unwrap();
        let address = network.address(Some("gw.example.com"), "", 10_003, "4711.mp3");
        assert_eq!(address, "https://cdn.example.net/live/10003/4711.mp3?a=b");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, expected) in [
            ("cdn.example.net/{path}", BaseError::Scheme),
            ("ftp://cdn.example.net/{path}", BaseError::Scheme),
            ("https://cdn.example.net/", BaseError::NoPath),
            ("https://cdn.example.net/{event}/{path}", BaseError::UnknownPlace("event".into())),
            ("https://cdn.example.net/}{path}", BaseError::UnknownPlace("{path".into())),
            ("https://cdn.example.net/{path", BaseError::UnknownPlace("path".into())),
            ("https://cdn.example.net/ {path}", BaseError::Sign(' ')),
            ("https://cdn.example.net/\r\n{path}", BaseError::Sign('\r')),
            ("https://cdn.example.net/<{path}", BaseError::Sign('<')),
        ] {
            assert_eq!(text.parse::<Base>(), Err(expected), "{text}");
        }
    }
}
