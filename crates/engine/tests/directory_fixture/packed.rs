//! Files of a data directory as they are committed: without the sectors that hold nothing but zeros.
//!
//! ```text
//!   length of the file (u64) │ number of a sector (u32), its 512 bytes │ …
//! ```
//!
//! Little-endian; the last sector of a file is filled up with zeros.

use std::path::Path;

const SECTOR_BYTES: usize = 512;
/// What the names of packed files end in.
const PACKED: &str = ".packed";

/// Packs one file.
pub(crate) fn pack(content: &[u8]) -> Vec<u8> {
    let mut packed = (content.len() as u64).to_le_bytes().to_vec();
    for (number, sector) in content.chunks(SECTOR_BYTES).enumerate() {
        if sector.iter().any(|byte| *byte != 0) {
            packed.extend_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
            packed.extend_from_slice(sector);
            packed.resize(packed.len() + SECTOR_BYTES - sector.len(), 0);
        }
    }
    packed
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let (length, sectors) = packed.split_first_chunk::<8>().unwrap();
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
    let mut content = vec![0; length.next_multiple_of(SECTOR_BYTES)];
    for sector in sectors.chunks(4 + SECTOR_BYTES) {
        let (number, bytes) = sector.split_first_chunk::<4>().unwrap();
        let start = u32::from_le_bytes(*number) as usize * SECTOR_BYTES;
        content[start..start + SECTOR_BYTES].copy_from_slice(bytes);
    }
    content.truncate(length);
    content
}

/// Writes the packed files of a directory.
pub(crate) fn write(fixture: &Path, files: impl Iterator<Item = (String, Vec<u8>)>) {
    std::fs::create_dir_all(fixture).unwrap();
    for (name, content) in files {
        std::fs::write(fixture.join(name + PACKED), pack(&content)).unwrap();
    }
}

/// Unpacks a committed directory into another.
pub(crate) fn unpack_into(fixture: &Path, directory: &Path) {
    let mut files = 0;
    for entry in std::fs::read_dir(fixture).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(name) = name.strip_suffix(PACKED) else { continue };
        std::fs::write(directory.join(name), unpack(&std::fs::read(&path).unwrap())).unwrap();
        files += 1;
    }
    assert!(files >= 3, "superblock, a segment and the store are in {}", fixture.display());
}
