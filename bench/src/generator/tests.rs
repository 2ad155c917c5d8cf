use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::mpsc,
    time::Duration,
};

use super::{Generator, InFlight, http_post};

/// As the server does when it is asked nothing for as long as it waits for a request.
#[test]
fn a_publisher_whose_idle_connection_the_server_ends_opens_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut generator = Generator::new(listener.local_addr().unwrap()).unwrap();
    generator.connect_publishers(1).unwrap();
    drop(listener.accept().unwrap());

    let (sender, opened) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        sender.send(()).unwrap();
        let mut received = [0; 512];
        assert!(stream.read(&mut received).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        // Open until it was read: an end right behind the answer is another case.
        stream
    });
    while opened.try_recv().is_err() {
        generator.step(Duration::from_millis(5)).unwrap();
    }
    let at = generator.free.pop_front().unwrap();
    let in_flight = InFlight { sent_at: crate::clock::now(), counts: true };
    generator.publishers[at].send(&http_post("/", "", "{}"), in_flight).unwrap();
    while generator.free.is_empty() {
        generator.step(Duration::from_millis(5)).unwrap();
    }
    assert_eq!(generator.published.answered, 1);
    drop(server.join().unwrap());
}
