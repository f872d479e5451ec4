//! A server in this process that answers as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Serves from now on; the address. `answer` gives the status and the body for a path and a body.
pub fn serve(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            // A client that hangs up is none of the server's business.
            std::thread::spawn(move || respond(stream, &*answer));
        }
    });
    address
}

fn respond(
    mut stream: TcpStream,
    answer: &dyn Fn(&str, &str) -> (u16, String),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = request.split(' ').nth(1).unwrap();
    let (status, reply) = answer(path, std::str::from_utf8(&body).unwrap());
    let length = reply.len();
    write!(stream, "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\n")?;
    write!(stream, "content-length: {length}\r\nconnection: close\r\n\r\n{reply}")
}
