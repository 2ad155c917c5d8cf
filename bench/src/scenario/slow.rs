//! A client that stops reading must not be felt by the others.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use anyhow::bail;
use socket2::{Domain, Socket, Type};

use super::{Run, make_users};
use crate::{
    generator::Generator,
    machine, message,
    probe::{Load, Probe, probe},
    report::{Bar, Figure, short},
    server::{greeting, greetings},
};

const OTHERS: usize = 999;
const RATE: f64 = 50.0;
/// Windows with and without the slow client, in turn, since the machine is not alone.
const ROUNDS: usize = 3;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let server = run.setup.start("slow", "")?;
    let mut generator = Generator::new(server.address)?;
    make_users(&server, &mut generator, OTHERS + 1)?;
    generator.subscribe(greetings(OTHERS))?;
    let key = server.key.clone();
    let mut compose = move |stamp, _| message::notification(&key, "everyone", stamp);
    let mut load = Load {
        compose: &mut compose,
        connections: 16,
        fan: OTHERS as u64,
        p99_limit_ms: f64::INFINITY,
        pid: server.pid(),
    };
    let seconds = run.seconds(6.0);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let before = machine::resident_bytes(server.pid())?;
    for _ in 0..ROUNDS {
        without.push(passing(&probe(&mut generator, &mut load, RATE, seconds)?)?);
        let slow = connect_and_stall(server.address)?;
        with.push(passing(&probe(&mut generator, &mut load, RATE, seconds)?)?);
        drop(slow);
    }
    let grown = machine::resident_bytes(server.pid())?.saturating_sub(before) as f64 / 1024.0 / 1024.0;
    let (without, with) = (median(&mut without), median(&mut with));
    run.report.add(
        Figure::new(
            format!("p99 of the others at {RATE} stored notifications/s"),
            format!("{} ms with the slow client; server grew by {} MiB", short(with), short(grown)),
        )
        .beside(format!("{} ms without it (medians of {ROUNDS})", short(without)))
        .judged(with / without, Bar::AtMost(1.1, 1.1), " x"),
    );
    Ok(())
}

fn passing(probe: &Probe) -> anyhow::Result<f64> {
    if !probe.passes() {
        bail!("{}", probe.complaint);
    }
    Ok(probe.p99_ms)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Opens the last user's stream and never reads again.
fn connect_and_stall(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    let greeting = greeting(OTHERS);
    write!(
        stream,
        "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Authorization: Bearer {}\r\n\r\n",
        greeting.path, greeting.token
    )?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    if &head != b"HTTP/1.1 101" {
        bail!("the slow client was refused");
    }
    Ok(stream)
}
