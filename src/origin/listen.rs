//! The address to listen on, in the notations of the command line and of `config.toml`: `8080`,
//! `:8080`, `localhost:8080`, `[::1]:8080`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// An IP address or a name; empty for every address of this machine.
    host: String,
    port: u16,
}

/// Text that cannot be read as a [`Listen`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a port, :PORT for all addresses, ADDRESS:PORT or HOST:PORT, such as 8080, :8080, \
     127.0.0.1:8080 or [::1]:8080, found `{0}`"
)]
pub struct ListenError(String);

impl Listen {
    /// A port of the loopback address: reachable from this machine only.
    pub fn loopback(port: u16) -> Self {
        let host = Ipv4Addr::LOCALHOST.to_string();
        Self { host, port }
    }

    /// The socket addresses to try in turn until one can be bound.
    ///
    /// Fails if a host name cannot be resolved.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        // The IPv6 wildcard accepts IPv4 too; the second is for machines without IPv6.
        let all = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        Ok(match self.host.as_str() {
            "" => all.map(|host: IpAddr| (host, self.port).into()).into(),
            host => (host, self.port).to_socket_addrs()?.collect(),
        })
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let wrong = || ListenError(text.to_owned());
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        if let Ok(address) = text.parse::<SocketAddr>() {
            let (host, port) = (address.ip().to_string(), address.port());
            return Ok(Self { host, port });
        }
        if let Some(port) = number(text) {
            return Ok(Self::loopback(port));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = number(port).ok_or_else(wrong)?;
        let host = if host == "*" { "" } else { host };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let host = Some(host.to_owned()).filter(|host| host.chars().all(plain));
        host.map(|host| Self { host, port }).ok_or_else(wrong)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => SocketAddr::from((address, self.port)).fmt(f),
            Err(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listen {
    /// Reads text, or a number, which is a port.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Port(i64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Port(port) => port.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        for (text, addresses) in [
            ("8080", &["127.0.0.1:8080"][..]),
            (":8080", &["[::]:8080", "0.0.0.0:8080"]),
            ("*:80", &["[::]:80", "0.0.0.0:80"]),
            ("127.0.0.1:0", &["127.0.0.1:0"]),
            ("[::1]:8080", &["[::1]:8080"]),
        ] {
            let found = text.parse::<Listen>().unwrap().addresses().unwrap();
            let found: Vec<String> = found.iter().map(SocketAddr::to_string).collect();
            assert_eq!(found, addresses, "{text}");
        }
        let local = "localhost:8080".parse::<Listen>().unwrap();
        let local = local.addresses().unwrap();
        assert!(!local.is_empty() && local.iter().all(|address| address.ip().is_loopback()));
        let invalid = "x 65536 +80 -1 host: host:http ::1:8080 http://host:80";
        for text in invalid.split(' ').chain(["", "a b:80"]) {
            let error = text.parse::<Listen>().unwrap_err().to_string();
            assert!(error.contains(&format!("found `{text}`")), "{error}");
        }
    }
}
