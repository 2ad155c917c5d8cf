use lettre::transport::smtp::{authentication::Mechanism, commands::Noop};
use tokio::{
    io::{
        AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream,
    },
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const GREETING: &str = "220 mail.test\r\n250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 StartTLS\r\n";

fn hello() -> ClientId {
    ClientId::Domain("here".into())
}

/// A connection to a server that says all this and closes; and what the server hears.
async fn over(said: &str) -> (Result<Connection, Fault>, DuplexStream) {
    let (ours, mut theirs) = tokio::io::duplex(1024 * 1024);
    theirs.write_all(said.as_bytes()).await.unwrap();
    theirs.shutdown().await.unwrap();
    (Connection::over(Wire::new(ours), &hello()).await, theirs)
}

/// The same, where the server greets and then says this.
async fn greeted(said: &str) -> (Connection, DuplexStream) {
    let (connection, theirs) = over(&format!("{GREETING}{said}")).await;
    (connection.unwrap(), theirs)
}

async fn heard(connection: Connection, mut theirs: DuplexStream) -> String {
    drop(connection);
    let mut heard = String::new();
    theirs.read_to_string(&mut heard).await.unwrap();
    heard.strip_prefix("EHLO here\r\n").unwrap().to_owned()
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line
}

#[tokio::test]
async fn an_answer_of_many_lines_is_read_to_its_end() {
    let (mut connection, _server) =
        greeted("451-4.3.0 later\r\n451 please\r\n250\r\n550 5.1.1 pas trouv\u{e9}\r\n").await;
    assert!(connection.offers(Extension::StartTls));
    assert!(connection.offers(Extension::Authentication(Mechanism::Login)));
    assert!(!connection.offers(Extension::SmtpUtfEight));
    let Err(Fault::Answered(answer)) = connection.say(Noop).await else { panic!("it is a refusal") };
    assert_eq!(answer.to_string(), "451 4.3.0 later please");
    assert_eq!(connection.say(Noop).await.unwrap().code, 250);
    let Err(Fault::Answered(answer)) = connection.say(Noop).await else { panic!("it is a refusal") };
    assert_eq!(answer.to_string(), "550 5.1.1 pas trouv\u{e9}");
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault() {
    let long = format!("250-{}\r\n", "x".repeat(100)).repeat(2_000);
    for said in ["", "250", "250-a\r\n", "hello\r\n", "999 a\r\n", "25\u{e4} a\r\n", "\r\n", &long] {
        let (mut connection, _server) = greeted(said).await;
        let fault = connection.say(Noop).await.unwrap_err();
        assert!(matches!(fault, Fault::Silence(_)), "{said:.20}: {fault:?}");
    }
    let Err(Fault::Silence(why)) = over("").await.0 else { panic!("nobody greeted") };
    assert_eq!(why, "the connection broke: the mail server closed it");
    let Err(Fault::Answered(answer)) = over("554 no service\r\n").await.0 else { panic!("it is a refusal") };
    assert_eq!(answer.to_string(), "554 no service");
}

#[tokio::test]
async fn a_dot_that_begins_a_line_does_not_end_the_mail() {
    for (mail, sent) in [
        ("a\r\n.\r\n..b\r\nc", "a\r\n..\r\n...b\r\nc\r\n.\r\n"),
        (".a\r\n", "..a\r\n.\r\n"),
        ("a\r\n\r\n", "a\r\n\r\n.\r\n"),
    ] {
        let (mut connection, server) = greeted("250 2.0.0 OK taken\r\n").await;
        assert_eq!(connection.mail(mail.as_bytes()).await.unwrap().to_string(), "250 2.0.0 OK taken");
        assert_eq!(heard(connection, server).await, sent);
    }
}

#[tokio::test]
async fn a_line_break_does_not_become_a_command() {
    let (mut connection, server) = greeted("250 OK\r\n").await;
    for line in ["RCPT TO:<a@b.test>\r\nDATA\r\n", "RCPT TO:<a\n@b.test>\r\n"] {
        assert!(matches!(connection.say(line).await, Err(Fault::Silence(_))));
    }
    assert_eq!(heard(connection, server).await, "");
}

#[tokio::test]
async fn the_login_is_by_what_the_server_offers() {
    let (mut connection, server) = greeted("235 welcome\r\n").await;
    connection.login("anna", "secret").await.unwrap();
    assert_eq!(heard(connection, server).await, "AUTH PLAIN AGFubmEAc2VjcmV0\r\n");

    let login = "220 mail.test\r\n250-mail.test\r\n250 AUTH=LOGIN\r\n\
                 334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 welcome\r\n";
    let (connection, server) = over(login).await;
    let mut connection = connection.unwrap();
    connection.login("anna", "secret").await.unwrap();
    assert_eq!(heard(connection, server).await, "AUTH LOGIN\r\nYW5uYQ==\r\nc2VjcmV0\r\n");

    let (connection, server) = over("220 mail.test\r\n250 mail.test\r\n").await;
    let mut connection = connection.unwrap();
    assert!(matches!(connection.login("anna", "secret").await, Err(Fault::Silence(_))));
    assert_eq!(heard(connection, server).await, "");
}

#[tokio::test]
async fn what_came_in_the_clear_is_not_taken_for_what_comes_encrypted() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        stream.write_all(b"220 mail.test\r\n").await.unwrap();
        assert_eq!(line(&mut stream).await, "EHLO here\r\n");
        stream.write_all(b"250-mail.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n").await.unwrap();
        assert_eq!(line(&mut stream).await, "STARTTLS\r\n");
        stream.write_all(b"220 go\r\n250-evil.test\r\n250 SMTPUTF8\r\n").await.unwrap();
        let stream = TlsAcceptor::from(std::sync::Arc::new(config)).accept(stream.into_inner()).await;
        let mut stream = BufReader::new(stream.unwrap());
        assert_eq!(line(&mut stream).await, "EHLO here\r\n");
        stream.write_all(b"250-mail.test\r\n250 AUTH LOGIN\r\n").await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let client = async {
        let secure = Secure::new("localhost", Some(own.cert.pem().as_bytes())).unwrap();
        let clear = Clear::open("localhost", port, &hello()).await.unwrap();
        assert!(clear.offers_starttls());
        clear.secured(&secure, &hello()).await.unwrap()
    };
    let (_server, connection) = tokio::join!(server, client);
    assert!(!connection.offers(Extension::SmtpUtfEight));
    assert!(!connection.offers(Extension::Authentication(Mechanism::Plain)));
    assert!(connection.offers(Extension::Authentication(Mechanism::Login)));
}
