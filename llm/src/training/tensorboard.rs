//! Event files as TensorBoard reads them: records of TensorFlow's `Event` message, of which two
//! kinds are needed.
//!
//! ```text
//! record: length (u64) | masked CRC-32C of the length (u32) | message | its masked CRC-32C (u32)
//! Event:   1 wall_time (double) · 2 step (int64) · 3 file_version (string) · 5 summary (Summary)
//! Summary: 1 value (repeated Value)      Value: 1 tag (string) · 2 simple_value (float)
//! ```
//!
//! All numbers are little-endian. Sources: `tensorflow/core/util/event.proto`, `summary.proto` and
//! `lib/io/record_writer.cc`.

/// The record that an event file begins with.
pub(super) fn header(wall_time: f64) -> Vec<u8> {
    record(&event(wall_time, 0, 3, b"brain.Event:2"))
}

/// The record of some numbers by name, after a step.
pub(super) fn scalars(wall_time: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut message = Vec::new();
        field(&mut message, 1, tag.as_bytes());
        // Field 2, four bytes.
        message.push(2 << 3 | 5);
        message.extend((*value as f32).to_le_bytes());
        field(&mut summary, 1, &message);
    }
    record(&event(wall_time, step, 5, &summary))
}

fn event(wall_time: f64, step: u64, number: u8, content: &[u8]) -> Vec<u8> {
    // Field 1, eight bytes; field 2, a number of variable length.
    let mut message = vec![1 << 3 | 1];
    message.extend(wall_time.to_le_bytes());
    message.push(2 << 3);
    variable(&mut message, step);
    field(&mut message, number, content);
    message
}

/// A field of bytes with their length.
fn field(message: &mut Vec<u8>, number: u8, content: &[u8]) {
    message.push(number << 3 | 2);
    variable(message, content.len() as u64);
    message.extend(content);
}

/// Seven bits a byte, the lowest first; the eighth bit says that more follow.
fn variable(message: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        message.push(x as u8 | 0x80);
        x >>= 7;
    }
    message.push(x as u8);
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(message);
    record.extend(masked_crc(message).to_le_bytes());
    record
}

/// The checksum as records have it: rotated and moved, since checksums of data with checksums in
/// them are weak.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: some hundred bytes a step.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
    let byte = |crc: u32, &byte: &u8| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, B.4, and the usual check value.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn records_are_those_that_tensorboard_writes() {
        // By tensorboard.compat.proto.event_pb2 and its record writer: wall_time 1.5, step 300.
        let expected = "1a00000000000000";
        let record = scalars(1.5, 300, &[("a/b".into(), 0.25)]);
        let hex: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.starts_with(expected), "{hex}");
        let message = "09000000000000f83f10ac022a0c0a0a0a03612f62150000803e";
        assert_eq!(&hex[24..24 + message.len()], message);
    }
}
