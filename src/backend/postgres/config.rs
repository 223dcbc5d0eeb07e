//! How to reach a database: a builder, and the URL that says the same. This module opens nothing but the password file.

use std::{fmt, path::PathBuf, time::Duration};

use super::{Layout, PostgresIndex};
use crate::{
    error::{Error, Result},
    record::target::nearest,
};

/// How the connection is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tls {
    /// Not at all: for sockets and trusted networks.
    #[default]
    Off,
    /// Encrypted; the server's certificate is not looked at. Does not help against somebody in between.
    Require,
    /// Encrypted, and the certificate must be signed by an authority in this PEM file and name the host.
    Verify(PathBuf),
}

/// How a transaction sees the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// All statements see what was committed before the first; a write that loses is a `Conflict`.
    RepeatableRead,
    /// As if one transaction ran after the other; what cannot is a `Conflict`.
    Serializable,
}

impl Isolation {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

/// How to reach a database. Made by [`Postgres::builder`](super::Postgres::builder) or from a URL.
///
/// ```
/// use dk_data::backend::postgres::PostgresConfig;
/// let config = PostgresConfig::from_url("postgres://app:secret@db.example:5433/shop?pool_size=4&tls=require")?;
/// assert!(!format!("{config:?}").contains("secret"));
/// let wrong = PostgresConfig::from_url("postgres://db.example/shop?pool_sise=4").unwrap_err();
/// assert!(wrong.to_string().contains("did you mean `pool_size`?"));
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct PostgresConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) tls: Tls,
    pub(super) application_name: String,
    pub(super) options: Option<String>,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) connect_timeout: Duration,
    pub(super) silence: Option<Duration>,
    pub(super) keepalive: Option<Duration>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) pool_size: u32,
    pub(super) pool_idle: u32,
    pub(super) pool_timeout: Duration,
    pub(super) layout: Layout,
    pub(super) create_tables: bool,
    pub(super) isolation: Isolation,
    pub(super) load_connections: usize,
    pub(super) indexes: Vec<PostgresIndex>,
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig").field("url", &self.shown()).finish_non_exhaustive()
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        PostgresConfig {
            host: "localhost".to_owned(),
            port: 5432,
            user: None,
            password: None,
            database: None,
            schema: None,
            tls: Tls::Off,
            application_name: "dk-data".to_owned(),
            options: None,
            statement_timeout: None,
            connect_timeout: Duration::from_secs(10),
            silence: Some(Duration::from_secs(60)),
            keepalive: Some(Duration::from_secs(60)),
            tcp_user_timeout: Some(Duration::from_secs(60)),
            pool_size: 16,
            pool_idle: 0,
            pool_timeout: Duration::from_secs(10),
            layout: Layout::Columns,
            create_tables: true,
            isolation: Isolation::ReadCommitted,
            load_connections: 1,
            indexes: Vec::new(),
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $ty:ty => |$v:ident| $value:expr;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $v: $ty) -> Self {
            self.$name = $value;
            self
        }
    )* };
}

impl PostgresConfig {
    /// Where everything is where it is by default: `localhost`, port 5432, the user of the process, no TLS.
    pub fn new() -> PostgresConfig {
        PostgresConfig::default()
    }

    setters! {
        /// A host name, an address, or the folder of a Unix socket (it begins with `/`).
        host: impl Into<String> => |v| v.into();
        /// 5432 unless said otherwise.
        port: u16 => |v| v;
        /// The role to act as; the name of the process's user unless said otherwise.
        user: impl Into<String> => |v| Some(v.into());
        /// The password. It is shown nowhere.
        password: impl Into<String> => |v| Some(v.into());
        /// The database; the one called like the user unless said otherwise.
        database: impl Into<String> => |v| Some(v.into());
        /// The schema whose tables are the stores; the first of the server's `search_path` unless said otherwise.
        schema: impl Into<String> => |v| Some(v.into());
        /// How the connection is protected; not at all unless said otherwise.
        tls: Tls => |v| v;
        /// What the server's lists of connections show.
        application_name: impl Into<String> => |v| v.into();
        /// Settings of the session, as the server's command line has them: `-c synchronous_commit=off`.
        options: impl Into<String> => |v| Some(v.into());
        /// How long the server works on one statement before it gives up with `Timeout`. A call whose deadline is nearer ends at that.
        statement_timeout: Duration => |v| Some(v);
        /// How long a connection may take to be made; 10 seconds unless said otherwise.
        connect_timeout: Duration => |v| v;
        /// How long the server may say nothing while it owes an answer before it is asked over another connection whether it
        /// still works on it; 60 seconds unless said otherwise, never with `None`. Where it does not, the connection counts as broken.
        silence: Option<Duration> => |v| v;
        /// After how long of silence the network asks whether the other side is still there; from a second to nine hours.
        keepalive: Option<Duration> => |v| v;
        /// How long sent bytes may stay without an answer before the connection counts as broken.
        tcp_user_timeout: Option<Duration> => |v| v;
        /// The most connections, 16 unless said otherwise, up to 10,000. Each stream that is read and each transaction holds one.
        pool_size: u32 => |v| v.max(1);
        /// The least number of connections that are kept ready for use, none unless said otherwise. They are made in advance
        /// whenever fewer are idle, which under load may come to `pool_size`; what lies idle for ten minutes is closed.
        pool_idle: u32 => |v| v;
        /// How long a call waits for a free connection before it gives up with `Timeout`.
        pool_timeout: Duration => |v| v;
        /// How records lie in tables that are made here.
        layout: Layout => |v| v;
        /// Whether opening a store makes its table where there is none; yes unless said otherwise.
        create_tables: bool => |v| v;
        /// How transactions see each other.
        isolation: Isolation => |v| v;
        /// Over how many connections a large batch of creates is spread; 1 unless said otherwise.
        load_connections: usize => |v| v.max(1);
    }

    /// Takes the password from a variable of the environment, `PGPASSWORD` by custom.
    ///
    /// # Errors
    /// `Configuration` where the variable is not set or is no text.
    pub fn password_from_env(self, variable: &str) -> Result<Self> {
        let missing = |_| Error::configuration(format!("the variable `{variable}`, for the password, is not set"));
        Ok(self.password(std::env::var(variable).map_err(missing)?))
    }

    /// Takes the password from a file: its first line.
    ///
    /// # Errors
    /// `Configuration` where the file does not read or is empty.
    pub fn password_file(self, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let refused =
            |why: String| Error::configuration(format!("the password file: {why}")).at_url(&path.display().to_string());
        let text = std::fs::read_to_string(&path).map_err(|cause| refused(cause.to_string()))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(self.password(line)),
            _ => Err(refused("it is empty".to_owned())),
        }
    }

    /// What `postgres://user:password@host:port/database?key=value` says.
    ///
    /// The keys: `schema`, `tls` (`off`, `require`, `verify`), `tls_ca`, `application_name`, `options`,
    /// `statement_timeout_ms`, `connect_timeout_ms`, `silence_ms`, `keepalive_ms`, `tcp_user_timeout_ms`, `pool_size`, `pool_idle`,
    /// `pool_timeout_ms`, `layout` (`columns`, `document`), `create_tables`, `isolation` (`read_committed`,
    /// `repeatable_read`, `serializable`), `load_connections`, `password_file`, `password_env`. All parts are
    /// percent-decoded.
    ///
    /// # Errors
    /// `Configuration` for what is no such URL; an unknown key is refused with the nearest known one (semantics 7.6).
    /// No part that may be secret is shown.
    pub fn from_url(url: &str) -> Result<PostgresConfig> {
        let rest = url.split_once(':').filter(|(scheme, _)| matches!(*scheme, "postgres" | "postgresql"));
        match rest {
            Some((_, rest)) => PostgresConfig::from_rest(rest),
            None => Err(Error::configuration("not a PostgreSQL URL: it begins with `postgres://`")),
        }
    }

    /// What stands behind the scheme.
    pub(crate) fn from_rest(rest: &str) -> Result<PostgresConfig> {
        let bad = || {
            Error::configuration("not a PostgreSQL URL: write `postgres://user:password@host:port/database?key=value`")
        };
        let rest = rest.strip_prefix("//").ok_or_else(bad)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (login, address) = authority.rsplit_once('@').map_or((None, authority), |(login, at)| (Some(login), at));
        let mut config = PostgresConfig::new();
        if let Some(login) = login {
            let (user, password) = login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
            config.user = non_empty(decoded(user)?);
            config.password = password.map(decoded).transpose()?;
        }
        config.take_address(address)?;
        config.database = non_empty(decoded(database)?);
        let (mut tls, mut authorities) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| Error::configuration("a key of the URL has no value"))?;
            let (key, value) = (decoded(key)?, decoded(value)?);
            match key.as_str() {
                "tls" => tls = Some(one_of("tls", &value, &[("off", 0), ("require", 1), ("verify", 2)])?),
                "tls_ca" => authorities = Some(PathBuf::from(value)),
                key => config = config.with_key(key, value)?,
            }
        }
        // Whichever comes first: a file of authorities is given to be used.
        config.tls = match (tls, authorities) {
            (Some(0), Some(_)) => return Err(Error::configuration("`tls_ca` has no use where `tls` is off")),
            (Some(2), None) => {
                return Err(Error::configuration("to verify the server takes authorities: add `tls_ca`"));
            }
            (_, Some(file)) => Tls::Verify(file),
            (Some(1), None) => Tls::Require,
            _ => Tls::Off,
        };
        Ok(config)
    }

    fn take_address(&mut self, address: &str) -> Result<()> {
        let bad_port = || Error::configuration("the port of the URL is no number up to 65535");
        let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
        };
        if let Some(host) = non_empty(decoded(host)?) {
            self.host = host;
        }
        if let Some(port) = port {
            self.port = port.parse().map_err(|_| bad_port())?;
        }
        Ok(())
    }

    fn with_key(self, key: &str, value: String) -> Result<PostgresConfig> {
        let millis = |value: &str| number(key, value).map(Duration::from_millis);
        let count = |value: &str| number(key, value).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Ok(match key {
            "schema" => self.schema(value),
            "application_name" => self.application_name(value),
            "options" => self.options(value),
            "statement_timeout_ms" => self.statement_timeout(millis(&value)?),
            "connect_timeout_ms" => self.connect_timeout(millis(&value)?),
            "silence_ms" => self.silence(Some(millis(&value)?)),
            "keepalive_ms" => self.keepalive(Some(millis(&value)?)),
            "tcp_user_timeout_ms" => self.tcp_user_timeout(Some(millis(&value)?)),
            "pool_size" => self.pool_size(count(&value)?),
            "pool_idle" => self.pool_idle(count(&value)?),
            "pool_timeout_ms" => self.pool_timeout(millis(&value)?),
            "load_connections" => self.load_connections(count(&value)? as usize),
            "layout" => {
                self.layout(one_of(key, &value, &[("columns", Layout::Columns), ("document", Layout::Document)])?)
            }
            "create_tables" => self.create_tables(one_of(key, &value, &[("true", true), ("false", false)])?),
            "isolation" => self.isolation(one_of(key, &value, &ISOLATIONS)?),
            "password_file" => self.password_file(value)?,
            "password_env" => self.password_from_env(&value)?,
            _ => return Err(unknown(key)),
        })
    }

    /// Refuses what the pool, the system or the server cannot be told.
    pub(super) fn check(&self) -> Result<()> {
        let (never, least, most) = (Duration::ZERO, Duration::from_millis(1), Duration::from_millis(i32::MAX as u64));
        // The most seconds that the system takes.
        let keepalive = (Duration::from_secs(1), Duration::from_secs(32_767));
        for (key, value, (least, most)) in [
            ("statement_timeout_ms", self.statement_timeout, (least, most)),
            ("connect_timeout_ms", Some(self.connect_timeout), (least, most)),
            ("silence_ms", self.silence, (least, most)),
            ("keepalive_ms", self.keepalive, keepalive),
            ("tcp_user_timeout_ms", self.tcp_user_timeout, (never, most)),
            ("pool_timeout_ms", Some(self.pool_timeout), (least, most)),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                let why = format!("`{key}` is between {} and {}", least.as_millis(), most.as_millis());
                return Err(Error::configuration(why).with_value(&format!("{value:?}")));
            }
        }
        if self.pool_size > MAX_CONNECTIONS {
            let why = format!("`pool_size` is between 1 and {MAX_CONNECTIONS}");
            return Err(Error::configuration(why).with_value(&self.pool_size.to_string()));
        }
        Ok(())
    }

    /// The URL without its secrets.
    pub(super) fn shown(&self) -> String {
        let user = self.user.as_deref().map_or(String::new(), |user| format!("{user}@"));
        let database = self.database.as_deref().unwrap_or_default();
        format!("postgres://{user}{}:{}/{database}", self.host, self.port)
    }

    /// Who comes, for the driver. The socket is ours.
    pub(super) fn driver(&self) -> tokio_postgres::Config {
        let mut driver = tokio_postgres::Config::new();
        driver.application_name(&self.application_name);
        driver.user(self.user.as_deref().map_or_else(process_user, str::to_owned).as_str());
        if let Some(password) = &self.password {
            driver.password(password);
        }
        if let Some(database) = &self.database {
            driver.dbname(database);
        }
        let mut options = vec!["-c TimeZone=UTC".to_owned()];
        options.extend(self.statement_timeout.map(|limit| format!("-c statement_timeout={}", limit.as_millis())));
        options.extend(self.options.clone());
        driver.options(options.join(" "));
        driver.ssl_mode(match self.tls {
            Tls::Off => tokio_postgres::config::SslMode::Disable,
            _ => tokio_postgres::config::SslMode::Require,
        });
        driver
    }

    /// Whether the server is reached by a socket of this machine's file system.
    pub(super) fn is_local(&self) -> bool {
        self.host.starts_with('/')
    }
}

const ISOLATIONS: [(&str, Isolation); 3] = [
    ("read_committed", Isolation::ReadCommitted),
    ("repeatable_read", Isolation::RepeatableRead),
    ("serializable", Isolation::Serializable),
];

/// More connections than a server is ever set up for.
const MAX_CONNECTIONS: u32 = 10_000;

const KEYS: [&str; 19] = [
    "schema",
    "tls",
    "tls_ca",
    "application_name",
    "options",
    "statement_timeout_ms",
    "connect_timeout_ms",
    "silence_ms",
    "keepalive_ms",
    "tcp_user_timeout_ms",
    "pool_size",
    "pool_idle",
    "pool_timeout_ms",
    "load_connections",
    "layout",
    "create_tables",
    "isolation",
    "password_file",
    "password_env",
];

fn process_user() -> String {
    ["PGUSER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "postgres".to_owned())
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cold]
fn unknown(key: &str) -> Error {
    let hint = nearest(key, KEYS.iter().copied()).map_or(String::new(), |known| format!("; did you mean `{known}`?"));
    Error::configuration(format!("a PostgreSQL URL has no key `{key}`{hint}"))
}

fn number(key: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| Error::configuration(format!("`{key}` is a number")).with_value(value))
}

fn one_of<T: Copy>(key: &str, value: &str, known: &[(&str, T)]) -> Result<T> {
    known.iter().find(|(name, _)| *name == value).map(|(_, found)| *found).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        Error::configuration(format!("`{key}` is one of {}", names.join(", "))).with_value(value)
    })
}

/// Percent-decoded. What does not decode is not shown: it may be part of a password.
fn decoded(text: &str) -> Result<String> {
    let bad = || Error::configuration("a `%` in the URL is not followed by two hexadecimal digits of UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).ok_or_else(bad)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
        rest = more.get(2..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_the_builder_says() {
        let url =
            "postgres://ann%40x:p%3Aw@[::1]:99/my%20db?schema=app&layout=document&connect_timeout_ms=250&pool_size=3";
        let built = PostgresConfig::new()
            .user("ann@x")
            .password("p:w")
            .host("::1")
            .port(99)
            .database("my db")
            .schema("app")
            .layout(Layout::Document)
            .connect_timeout(Duration::from_millis(250))
            .pool_size(3);
        assert_eq!(PostgresConfig::from_url(url).expect("it is written well"), built);
    }

    #[test]
    fn a_file_of_authorities_counts_wherever_it_stands() {
        for keys in
            ["tls_ca=f", "tls=require&tls_ca=f", "tls_ca=f&tls=require", "tls_ca=f&tls=verify", "tls=verify&tls_ca=f"]
        {
            let config = PostgresConfig::from_url(&format!("postgres://h/x?{keys}")).expect(keys);
            assert_eq!(config.tls, Tls::Verify("f".into()), "{keys}");
        }
    }

    #[test]
    fn what_cannot_be_told_to_anybody_is_refused() {
        let long = u64::MAX;
        for keys in [
            "pool_timeout_ms=0".to_owned(),
            format!("pool_timeout_ms={long}"),
            "pool_size=4294967295".to_owned(),
            "connect_timeout_ms=0".to_owned(),
            format!("connect_timeout_ms={long}"),
            "silence_ms=0".to_owned(),
            format!("silence_ms={long}"),
            "keepalive_ms=999".to_owned(),
            format!("keepalive_ms={long}"),
            format!("tcp_user_timeout_ms={long}"),
            "statement_timeout_ms=0".to_owned(),
            format!("statement_timeout_ms={long}"),
        ] {
            let config = PostgresConfig::from_url(&format!("postgres://h/x?{keys}")).expect("it is written well");
            let error = config.check().expect_err(&keys);
            let key = keys.split('=').next().expect("a key");
            assert!(error.kind() == crate::ErrorKind::Configuration && error.to_string().contains(key), "{error}");
        }
        let none = PostgresConfig::new().statement_timeout(Duration::from_micros(500));
        none.check().expect_err("to the server that is none");
        PostgresConfig::new().check().expect("what is so unless said otherwise is right");
    }

    #[test]
    fn what_is_wrong_is_refused_without_its_secrets() {
        for (url, why) in [
            ("postgres:/x", "not a PostgreSQL URL"),
            ("mysql://x", "begins with `postgres://`"),
            ("postgres://u:secret@h:port/x", "the port"),
            ("postgres://u:secret%zz@h/x", "hexadecimal"),
            ("postgres://u:secret@h/x?tls=maybe", "one of off, require, verify"),
            ("postgres://u:secret@h/x?pool_size=many", "is a number"),
            ("postgres://u:secret@h/x?aplication_name=x", "did you mean `application_name`?"),
            ("postgres://u:secret@h/x?silense_ms=3", "did you mean `silence_ms`?"),
            ("postgres://u:secret@h/x?tls_ca=f&tls=off", "has no use"),
            ("postgres://u:secret@h/x?tls=verify", "add `tls_ca`"),
        ] {
            let error = PostgresConfig::from_url(url).expect_err(url);
            let text = format!("{error} {error:?}");
            assert!(text.contains(why) && !text.contains("secret"), "{url}: {text}");
        }
    }
}
