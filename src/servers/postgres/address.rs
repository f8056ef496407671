//! The URL of a PostgreSQL database, read as libpq's users expect; what is missing comes from their variables and password file.
//!
//! The password is never shown again: `shown` is the only text made of an address, and `Debug` is not derived.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::servers::postgres::passfile;
use crate::servers::postgres::tls::{Mode, Roots, Tls};

/// How long making a connection may take when the URL does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// What `pg_stat_activity` shows of us.
const NAME: &str = "mcpdeck";

/// Where Debian's server puts its socket.
const SOCKETS: &str = "/var/run/postgresql";

/// The parameters that are understood after the `?`.
const KNOWN: &str = "host, port, user, password, dbname, sslmode, sslrootcert, sslcert, sslkey, connect_timeout, application_name, options, passfile";

/// Where a database is and who asks for it.
#[derive(Clone)]
pub struct Address {
    /// A host name, an address, or the folder of a socket.
    pub host: String,
    /// The port; names the socket too.
    pub port: u16,
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// What proves the role; none where the server asks for none.
    pub password: Option<String>,
    /// How the way there is protected.
    pub tls: Tls,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// What `pg_stat_activity` shows.
    pub application_name: String,
    /// Settings for each session, as `-c name=value`.
    pub options: Option<String>,
}

/// What is written in a URL, before the rest is filled in.
#[derive(Default)]
struct Written {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    connect_timeout: Option<Duration>,
    application_name: Option<String>,
    options: Option<String>,
    passfile: Option<PathBuf>,
}

impl Address {
    /// Reads a URL; `PGUSER`, `PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE` and `PGSSLROOTCERT` fill in what it does not say.
    ///
    /// # Errors
    /// What is wrong with it, without its password.
    pub fn parse(url: &str) -> Result<Self, String> {
        Self::parse_with(url, &|name| std::env::var(name).ok())
    }

    fn parse_with(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
        let written = written(url)?;
        let host = written.host.unwrap_or_else(|| SOCKETS.into());
        let port = written.port.unwrap_or(5432);
        let user = written.user.or_else(|| variable("PGUSER"));
        let user = user
            .or_else(|| variable("USER"))
            .ok_or("it names no user; write postgres://USER@HOST/DATABASE")?;
        let database = written.database.unwrap_or_else(|| user.clone());
        let password = written.password.or_else(|| variable("PGPASSWORD"));
        let password = password.or_else(|| {
            let file = written
                .passfile
                .or_else(|| variable("PGPASSFILE").map(PathBuf::from))
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".pgpass")));
            passfile::find(&file?, &host, port, &database, &user)
        });
        let tls = Tls {
            mode: match written.mode.or_else(|| variable("PGSSLMODE")) {
                Some(mode) => Mode::parse(&mode)?,
                None => Mode::default_for(&host),
            },
            roots: Roots::parse(written.root.or_else(|| variable("PGSSLROOTCERT"))),
            identity: identity(written.certificate, written.key)?,
        };
        Ok(Self {
            host,
            port,
            user,
            database,
            password,
            tls,
            connect_timeout: written.connect_timeout.unwrap_or(CONNECT),
            application_name: written.application_name.unwrap_or_else(|| NAME.to_owned()),
            options: written.options,
        })
    }

    /// The address without its password and without its parameters.
    pub fn shown(&self) -> String {
        let host = match (self.is_socket(), self.host.contains(':')) {
            (true, _) => self.host.replace('/', "%2F"),
            (false, true) => format!("[{}]", self.host),
            (false, false) => self.host.clone(),
        };
        format!(
            "postgres://{}@{host}:{}/{}",
            self.user, self.port, self.database
        )
    }

    /// Whether the host is the folder of a socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

fn identity(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, String> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        _ => Err("sslcert and sslkey belong together".to_owned()),
    }
}

fn written(text: &str) -> Result<Written, String> {
    // What the parser complains of may hold the password, so its words stay here.
    let url = Url::parse(text).map_err(|_| {
        "it cannot be read as a URL; write postgres://USER@HOST:PORT/DATABASE, with %XX for special characters".to_owned()
    })?;
    let plain = |part: &str| -> Result<Option<String>, String> {
        let text = percent(part).ok_or("a %XX in it is not UTF-8")?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut written = Written {
        host: plain(host)?,
        port: url.port(),
        user: plain(url.username())?,
        password: plain(url.password().unwrap_or_default())?,
        database: plain(url.path().trim_start_matches('/'))?,
        ..Written::default()
    };
    for (key, value) in url.query_pairs() {
        written.set(&key, value.into_owned())?;
    }
    if written
        .host
        .as_ref()
        .is_some_and(|host| host.contains([',', ' ', '\0']))
    {
        return Err("it names several hosts; one is served".to_owned());
    }
    Ok(written)
}

impl Written {
    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        let number = |value: &str| {
            let number = value.parse::<u16>().ok();
            number.ok_or_else(|| format!("`{key}` must be a whole number"))
        };
        match key {
            "host" => self.host = Some(value),
            "port" => self.port = Some(number(&value)?),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "sslmode" => self.mode = Some(value),
            "sslrootcert" => self.root = Some(value),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "connect_timeout" => {
                let seconds = number(&value)?.clamp(1, 600);
                self.connect_timeout = Some(Duration::from_secs(seconds.into()));
            }
            "application_name" => self.application_name = Some(value),
            "options" => self.options = Some(value),
            "passfile" => self.passfile = Some(value.into()),
            other => {
                return Err(format!(
                    "its parameter `{other}` is not known; there are {KNOWN}"
                ));
            }
        }
        Ok(())
    }
}

/// The text behind `%XX`; none where it is no text.
fn percent(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (rest.next()?, rest.next()?);
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, String> {
        Address::parse_with(url, &|name| (name == "USER").then(|| "me".to_owned()))
    }

    #[test]
    fn the_parts_of_a_url_are_read_and_only_the_password_is_not_shown() {
        let address = parse(
            "postgresql://ann%40shop:s%2Fcr%C3%A9t@db.example:6432/sales?sslmode=verify-full&connect_timeout=3&application_name=x",
        )
        .unwrap();
        assert_eq!(address.shown(), "postgres://ann@shop@db.example:6432/sales");
        assert_eq!(address.password.as_deref(), Some("s/crét"));
        assert_eq!(address.tls.mode, Mode::VerifyFull);
        assert_eq!(address.connect_timeout, Duration::from_secs(3));
    }

    #[test]
    fn what_is_missing_is_filled_in_as_libpq_does() {
        let address = parse("postgres:///").unwrap();
        assert_eq!(
            (
                address.host.as_str(),
                address.port,
                address.database.as_str()
            ),
            (SOCKETS, 5432, "me")
        );
        let address = parse("postgres://%2Ftmp%2Fpg/db").unwrap();
        assert!(address.is_socket() && address.host == "/tmp/pg");
        assert_eq!(parse("postgres:///db?host=/run/x").unwrap().host, "/run/x");
        assert_eq!(parse("postgres://u@[::1]:7/db").unwrap().host, "::1");
    }

    #[test]
    fn beyond_this_machine_the_way_is_encrypted_unless_the_url_says_otherwise() {
        let mode = |url: &str| parse(url).unwrap().tls.mode;
        assert_eq!(mode("postgres://u@localhost/d"), Mode::Prefer);
        assert_eq!(mode("postgres://u@127.0.0.1/d"), Mode::Prefer);
        assert_eq!(mode("postgres://u@[::1]/d"), Mode::Prefer);
        assert_eq!(mode("postgres://u@db.example/d"), Mode::Require);
        assert_eq!(mode("postgres://u@127.0.0.1.example/d"), Mode::Require);
        assert_eq!(
            mode("postgres://u@db.example/d?sslmode=disable"),
            Mode::Disable
        );
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "postgres://me:hunter2@host:99999999/db",
            "postgres://me:hunter2@h1,h2/db",
            "postgres://me:hunter2@host/db?sslmode=perhaps",
            "postgres://me:hunter2@host/db?sslcert=x",
            "postgres://me:hunter2@host/db?frobnicate=1",
            "postgres://me:hunter2@host/db%FF",
        ] {
            let why = parse(url).err().unwrap();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn the_password_comes_from_the_url_then_the_variable_then_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pass");
        std::fs::write(&file, "host:*:*:me:from\\:file\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let with = |url: &str, word: Option<&str>| {
            let address = Address::parse_with(url, &|name| match name {
                "PGPASSWORD" => word.map(str::to_owned),
                "PGPASSFILE" => Some(file.display().to_string()),
                _ => None,
            });
            address.unwrap().password
        };
        let url = "postgres://me@host/db";
        assert_eq!(with(url, None).as_deref(), Some("from:file"));
        assert_eq!(with(url, Some("variable")).as_deref(), Some("variable"));
        let url = "postgres://me:url@host/db";
        assert_eq!(with(url, Some("variable")).as_deref(), Some("url"));
        assert_eq!(with("postgres://me@other/db", None), None);
    }
}
