//! HTTP/1.1 messages (RFC 9112) as far as stand-ins need them: read strictly enough to notice what the gateway did wrong.

use std::io::{self, BufRead, Read, Write};

/// How much of a body is kept; the rest is counted only, so that a gigabyte costs no memory here.
pub const BODY_KEPT: usize = 1024 * 1024;

/// One received request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target, byte for byte.
    pub target: String,
    /// Names as they came, in order.
    pub headers: Vec<(String, String)>,
    /// The first [`BODY_KEPT`] bytes of the body.
    pub body: Vec<u8>,
    /// Length of the whole body in bytes.
    pub body_length: u64,
    /// Trailer fields of a chunked body.
    pub trailers: Vec<(String, String)>,
}

/// One received response.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The final status.
    pub status: u16,
    /// Interim statuses (100) that came before it.
    pub interim: Vec<u16>,
    /// Names as they came, in order.
    pub headers: Vec<(String, String)>,
    /// The first [`BODY_KEPT`] bytes of the body.
    pub body: Vec<u8>,
    /// Length of the whole body in bytes.
    pub body_length: u64,
    /// Trailer fields of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Request {
    /// The only value of a header; `None` when it is absent or comes more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The token after `Bearer `, if there is one.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer "))
    }
}

impl Response {
    /// The only value of a header; `None` when it is absent or comes more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// The body as text, broken UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The only value of `name`, compared without letter case.
fn only<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value.as_str())
}

/// Reads a request; `None` when the connection was closed before one began. `before_body` runs between head and body.
///
/// # Errors
/// When the connection breaks or the message is no HTTP/1.1.
pub fn read_request(
    reader: &mut impl BufRead,
    before_body: impl FnOnce(&Request) -> io::Result<()>,
) -> io::Result<Option<Request>> {
    let Some(line) = read_line(reader)? else { return Ok(None) };
    let mut parts = line.splitn(3, ' ');
    let (Some(method), Some(target), Some("HTTP/1.1")) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid(&format!("no request line: {line:?}")));
    };
    let mut request = Request { method: method.to_owned(), target: target.to_owned(), ..Request::default() };
    request.headers = read_fields(reader)?;
    before_body(&request)?;
    let framing = Framing::of(&request.headers, false)?;
    (request.body, request.body_length, request.trailers) = read_body(reader, framing)?;
    Ok(Some(request))
}

/// Reads a response to a request of this method, interim ones included.
///
/// # Errors
/// When the connection breaks, closes too early, or the message is no HTTP/1.1.
pub fn read_response(reader: &mut impl BufRead, method: &str) -> io::Result<Response> {
    let mut interim = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or_else(|| invalid(&format!("no status line: {line:?}")))?;
        let headers = read_fields(reader)?;
        if (100..200).contains(&status) && status != 101 {
            interim.push(status);
            continue;
        }
        let mut response = Response { status, interim, headers, ..Response::default() };
        if method != "HEAD" && !matches!(status, 101 | 204 | 304) {
            let framing = Framing::of(&response.headers, true)?;
            (response.body, response.body_length, response.trailers) = read_body(reader, framing)?;
        }
        return Ok(response);
    }
}

/// How a body ends (RFC 9112 6.3).
enum Framing {
    Length(u64),
    Chunked,
    Close,
}

impl Framing {
    fn of(headers: &[(String, String)], response: bool) -> io::Result<Self> {
        let length = only(headers, "content-length");
        let coding = only(headers, "transfer-encoding");
        match (length, coding) {
            (Some(_), Some(_)) => Err(invalid("both Content-Length and Transfer-Encoding")),
            (Some(length), None) => {
                length.parse().map(Self::Length).map_err(|_| invalid("Content-Length is no number"))
            }
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (None, Some(_)) => Err(invalid("an unknown Transfer-Encoding")),
            (None, None) => Ok(if response { Self::Close } else { Self::Length(0) }),
        }
    }
}

type Body = (Vec<u8>, u64, Vec<(String, String)>);

fn read_body(reader: &mut impl BufRead, framing: Framing) -> io::Result<Body> {
    let mut kept = Vec::new();
    let mut total = 0;
    match framing {
        Framing::Length(length) => take(reader, length, &mut kept, &mut total)?,
        Framing::Close => loop {
            let available = reader.fill_buf()?.len() as u64;
            if available == 0 {
                break;
            }
            take(reader, available, &mut kept, &mut total)?;
        },
        Framing::Chunked => loop {
            let line = read_line(reader)?.ok_or_else(|| invalid("the chunks end early"))?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| invalid(&format!("no chunk size: {line:?}")))?;
            if size == 0 {
                return Ok((kept, total, read_fields(reader)?));
            }
            take(reader, size, &mut kept, &mut total)?;
            if read_line(reader)?.as_deref() != Some("") {
                return Err(invalid("a chunk does not end with a line break"));
            }
        },
    }
    Ok((kept, total, Vec::new()))
}

/// Reads exactly `length` bytes, keeping the first [`BODY_KEPT`] of the whole body.
fn take(reader: &mut impl BufRead, length: u64, kept: &mut Vec<u8>, total: &mut u64) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let used = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let room = BODY_KEPT.saturating_sub(kept.len()).min(used);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
        reader.consume(used);
        left -= used as u64;
        *total += used as u64;
    }
    Ok(())
}

/// Header or trailer fields up to the empty line.
fn read_fields(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| invalid("the fields end early"))?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&format!("no field: {line:?}")))?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}

/// One line without its CRLF, at most 256 KiB; `None` at the end. Bytes that are no UTF-8 are read as Latin-1.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.by_ref().take(256 * 1024).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(
        String::from_utf8(line).unwrap_or_else(|error| error.as_bytes().iter().map(|&byte| byte as char).collect()),
    ))
}

/// Writes a head: a start line and fields.
///
/// # Errors
/// When the connection breaks.
pub fn write_head(writer: &mut impl Write, start: &str, headers: &[(String, String)]) -> io::Result<()> {
    let mut head = format!("{start}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    writer.write_all(head.as_bytes())
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}
