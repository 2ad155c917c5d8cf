use oyez_protocol::CloseCode;

/// How a client broke the protocol. The connection must be closed with [`Violation::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// RFC 6455 section 5.1: a client masks everything it sends.
    #[error("a client's frames must be masked")]
    Unmasked,
    /// A reserved bit without an extension that gives it a meaning there.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// An opcode that RFC 6455 does not define.
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A ping, pong or close frame without FIN.
    #[error("a control frame must not be fragmented")]
    FragmentedControl,
    /// A ping, pong or close frame over 125 bytes.
    #[error("a control frame carries 125 bytes at most")]
    LongControl,
    /// A length written in more bytes than it needs, or over 2^63.
    #[error("the payload length is not written in the shortest form")]
    BadLength,
    /// A continuation frame with nothing to continue.
    #[error("a continuation frame without a message to continue")]
    NothingToContinue,
    /// A new text or binary frame inside an unfinished message.
    #[error("a new message inside an unfinished one")]
    UnfinishedMessage,
    /// A message over the limit, as sent or as unpacked.
    #[error("a message may have {limit} bytes at most")]
    TooBig {
        /// The limit in bytes.
        limit: u32,
    },
    /// Text, or the reason in a close frame, that is not UTF-8.
    #[error("text must be UTF-8")]
    InvalidUtf8,
    /// A close frame of one byte, or with a code that must not be sent.
    #[error("the close frame is not valid")]
    BadClose,
    /// A compressed message that does not unpack.
    #[error("the compressed message is not valid DEFLATE")]
    BadDeflate,
}

impl Violation {
    /// What to close the connection with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::TooBig { .. } => CloseCode::TooBig,
            Self::InvalidUtf8 => CloseCode::InvalidUtf8,
            // RFC 7692 section 7.2.2 names no code; 1007 is "data inconsistent with the type of the message".
            Self::BadDeflate => CloseCode::InvalidUtf8,
            _ => CloseCode::ProtocolError,
        }
    }
}
