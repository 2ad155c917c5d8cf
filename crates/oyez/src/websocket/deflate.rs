//! DEFLATE as RFC 7692 section 7.2 wants it, without context takeover: one compressor and one decompressor per
//! thread, reset for each message, so that no connection pays memory for them.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What a sync flush ends with, and what RFC 7692 takes off the end of a message.
const FLUSH_TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Levels above save nothing more on bodies of a few hundred bytes; levels below save next to nothing.
const LEVEL: u32 = 3;

thread_local! {
    // `false`: raw DEFLATE, no zlib header.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
    static DECOMPRESSOR: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Why a compressed message could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InflateError {
    /// Not DEFLATE.
    Malformed,
    /// It would unpack to more than the limit.
    TooBig,
}

/// Compresses `body` to whole blocks that end on a byte boundary and refer to nothing before `body`,
/// with the flush's last four bytes taken off.
pub(super) fn deflate(body: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        // Enough for a body that does not compress, so that one call does it all.
        let mut packed = Vec::with_capacity(body.len() + body.len() / 512 + 64);
        loop {
            let consumed = compressor.total_in() as usize;
            compressor
                .compress_vec(&body[consumed..], &mut packed, FlushCompress::Sync)
                .expect("a sync flush into a growing buffer cannot fail");
            // Room left over means the flush is complete.
            if compressor.total_in() as usize == body.len() && packed.len() < packed.capacity() {
                break;
            }
            packed.reserve(packed.len().max(64));
        }
        if packed.ends_with(&FLUSH_TAIL) {
            packed.truncate(packed.len() - FLUSH_TAIL.len());
        }
        packed.shrink_to_fit();
        packed
    })
}

/// Unpacks one whole message; stops before `limit` is passed, whatever the message claims.
pub(super) fn inflate(packed: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        decompressor.reset(false);
        let mut body = Vec::with_capacity((packed.len() * 3).clamp(64, limit + 1));
        for mut piece in [packed, &FLUSH_TAIL] {
            while !piece.is_empty() {
                let (consumed, produced) = (decompressor.total_in(), decompressor.total_out());
                let status = decompressor
                    .decompress_vec(piece, &mut body, FlushDecompress::Sync)
                    .map_err(|_| InflateError::Malformed)?;
                let consumed = (decompressor.total_in() - consumed) as usize;
                let produced = decompressor.total_out() - produced;
                piece = &piece[consumed..];
                if body.len() > limit {
                    return Err(InflateError::TooBig);
                }
                match status {
                    // A sender may end with a final block and go on after it (RFC 7692 section 7.2.3.4).
                    Status::StreamEnd => decompressor.reset(false),
                    _ if body.len() == body.capacity() => {
                        body.reserve_exact(body.len().min(limit + 1 - body.len()));
                    }
                    _ if consumed == 0 && produced == 0 => return Err(InflateError::Malformed),
                    _ => {}
                }
            }
        }
        Ok(body)
    })
}
