//! What stands at the top of the file, beside providers and routes: where the gateway listens.

use super::provider::transpose;
use super::resolve::Resolve;
use super::{ServerTls, files, names};
use portcullis_core::problem::Problems;
use portcullis_core::tree::{At, Walker};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Loopback, unless the file says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// Where the gateway listens.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) listen: SocketAddr,
    pub(super) admin_listen: SocketAddr,
    pub(super) tls: Option<ServerTls>,
    pub(super) throttled_is_unavailable: bool,
}

pub(super) fn read(walker: &mut Walker<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Top> {
    let listen = walker.take("listen");
    let listen_at = listen.clone();
    let listen = listen.map_or(Some(LISTEN), |at| address(&at, problems));
    let tls = transpose(walker.take("tls").map(|at| server_tls(&at, resolve, problems)));
    let throttled = walker.take("throttled_status").map_or(Some(false), |at| throttled_is_unavailable(&at, problems));
    let admin = walker.take("admin");
    let admin_listen = self::admin(admin.as_ref(), problems);
    if let (Some(listen), Some(admin_listen)) = (listen, admin_listen)
        && collide(listen, admin_listen)
    {
        let at = admin.or(listen_at).unwrap_or_else(|| walker.at().clone());
        at.report(
            problems,
            "`listen` and `admin.listen` are the same address",
            "give the admin listener a port of its own",
        );
    }
    Some(Top { listen: listen?, admin_listen: admin_listen?, tls: tls?, throttled_is_unavailable: throttled? })
}

/// `throttled_status`: a number, in quotes or not.
fn throttled_is_unavailable(at: &At<'_>, problems: &mut Problems) -> Option<bool> {
    match at.node().as_text() {
        Some("429") => Some(false),
        Some("503") => Some(true),
        _ => {
            at.report(problems, "is no status for this", "write 429 or 503");
            None
        }
    }
}

/// `adapters.folder` as it is written.
pub(super) fn folder(walker: &mut Walker<'_>, problems: &mut Problems) -> Option<String> {
    let Some(at) = walker.take("adapters") else { return Some(super::read::FOLDER.to_owned()) };
    let mut adapters = at.mapping(&names::ADAPTERS, problems)?;
    let folder = adapters.take("folder");
    adapters.finish(problems);
    folder.map_or_else(|| Some(super::read::FOLDER.to_owned()), |at| at.text(problems))
}

/// `admin.listen`.
pub(super) fn admin(at: Option<&At<'_>>, problems: &mut Problems) -> Option<SocketAddr> {
    let Some(at) = at else { return Some(ADMIN_LISTEN) };
    let mut walker = at.mapping(&names::ADMIN, problems)?;
    let listen = walker.take("listen");
    walker.finish(problems);
    listen.map_or(Some(ADMIN_LISTEN), |at| address(&at, problems))
}

/// Port 0 lets the system choose, so it never collides.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

fn address(at: &At<'_>, problems: &mut Problems) -> Option<SocketAddr> {
    // A lone port is a number to YAML: quotes would not mend it.
    let text = at.node().as_text().map(str::to_owned).or_else(|| at.text(problems))?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let remedy = match text.rsplit_once(':').filter(|_| !at.is_expanded()) {
        Some((_, port)) if port.parse::<u16>().is_err() => "write address and port: 127.0.0.1:8080".to_owned(),
        Some((host, port)) if host.eq_ignore_ascii_case("localhost") => {
            format!("write an IP address: 127.0.0.1:{port}")
        }
        Some(("" | "*", port)) => format!("write an IP address: 127.0.0.1:{port}, or 0.0.0.0:{port} for all"),
        Some((host, _)) if host.contains(':') => "write an IPv6 address in brackets: [::1]:8080".to_owned(),
        Some(_) => "write an IP address and a port: 127.0.0.1:8080".to_owned(),
        None => "write address and port: 127.0.0.1:8080".to_owned(),
    };
    at.report(problems, format!("`{}` is no address to listen on", at.shown()), remedy);
    None
}

fn server_tls(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<ServerTls> {
    let mut walker = at.mapping(&names::SERVER_TLS, problems)?;
    let certificate = walker.need("cert_file", "name a file with the certificate chain, PEM", problems);
    let key = walker.need("key_file", "name a file with the private key, PEM", problems);
    walker.finish(problems);
    let certificate_pem = certificate.and_then(|at| files::certificates(&at, resolve, problems));
    let key_pem = key.and_then(|at| files::private_key(&at, resolve, problems));
    Some(ServerTls { certificate_pem: certificate_pem?, key_pem: key_pem? })
}
