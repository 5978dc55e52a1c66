use std::io;

/// How data are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Zstandard, level 3: quick, and small for text.
    #[cfg(feature = "session-compression-zstd")]
    Zstd,
    /// Gzip, level 6, without C code.
    #[cfg(feature = "session-compression-gzip")]
    Gzip,
    /// Brotli, quality 5, without C code: the smallest, and the slowest to write.
    #[cfg(feature = "session-compression-brotli")]
    Brotli,
}

impl Compression {
    /// Every algorithm whose feature is on.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "session-compression-zstd")]
        Self::Zstd,
        #[cfg(feature = "session-compression-gzip")]
        Self::Gzip,
        #[cfg(feature = "session-compression-brotli")]
        Self::Brotli,
    ];

    /// What stands for it in data. Never reused.
    pub(super) fn tag(self) -> u8 {
        match self {
            #[cfg(feature = "session-compression-zstd")]
            Self::Zstd => 1,
            #[cfg(feature = "session-compression-gzip")]
            Self::Gzip => 2,
            #[cfg(feature = "session-compression-brotli")]
            Self::Brotli => 3,
        }
    }

    pub(super) fn of(tag: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.tag() == tag)
    }

    pub(super) fn compress(self, data: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "session-compression-zstd")]
            Self::Zstd => zstd::bulk::compress(data, 3),
            #[cfg(feature = "session-compression-gzip")]
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                io::Write::write_all(&mut writer, data)?;
                writer.finish()
            }
            #[cfg(feature = "session-compression-brotli")]
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                io::Write::write_all(&mut writer, data)?;
                Ok(writer.into_inner())
            }
        }
    }

    /// The data, if there are `length` bytes of them: no more is ever made.
    pub(super) fn decompress(self, packed: &[u8], length: usize) -> io::Result<Vec<u8>> {
        let data = match self {
            #[cfg(feature = "session-compression-zstd")]
            Self::Zstd => zstd::bulk::decompress(packed, length)?,
            #[cfg(feature = "session-compression-gzip")]
            Self::Gzip => read(flate2::read::GzDecoder::new(packed), length)?,
            #[cfg(feature = "session-compression-brotli")]
            Self::Brotli => {
                // Brotli's "large window" lets a few bytes ask for a gigabyte. It is never written here.
                if packed.first().is_some_and(|first| first & 0x7f == 0x11) {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                read(brotli::Decompressor::new(packed, 4096), length)?
            }
        };
        if data.len() == length { Ok(data) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

#[cfg(any(feature = "session-compression-gzip", feature = "session-compression-brotli"))]
fn read(reader: impl io::Read, length: usize) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    let most = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
    io::Read::read_to_end(&mut io::Read::take(reader, most), &mut data)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_survive_and_a_wrong_length_is_refused() {
        let long: Vec<u8> = (0..100_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for algorithm in Compression::ALL {
            for data in [&b""[..], b"x", &[0; 1000], &long] {
                let packed = algorithm.compress(data).unwrap();
                assert_eq!(algorithm.decompress(&packed, data.len()).unwrap(), data, "{algorithm:?}");
                assert!(algorithm.decompress(&packed, data.len() + 1).is_err(), "{algorithm:?}");
                if !data.is_empty() {
                    assert!(algorithm.decompress(&packed, data.len() - 1).is_err(), "{algorithm:?}");
                }
            }
            assert_eq!(Compression::of(algorithm.tag()), Some(*algorithm));
        }
    }

    #[test]
    fn damage_does_no_harm() {
        let data = b"what a session holds, and holds again and again and again".repeat(20);
        for algorithm in Compression::ALL {
            let packed = algorithm.compress(&data).unwrap();
            for at in 0..packed.len() {
                _ = algorithm.decompress(&packed[..at], data.len());
                for bit in 0..8 {
                    let mut packed = packed.clone();
                    packed[at] ^= 1 << bit;
                    _ = algorithm.decompress(&packed, data.len());
                }
            }
        }
    }
}
