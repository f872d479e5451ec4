//! Event files of TensorBoard, read by the definition of records and of protocol buffers.

use std::collections::BTreeMap;
use std::path::Path;

/// Every (step, tag, value) of a file whose checksums are right, in order.
pub fn events(path: &Path) -> Vec<(u64, String, f32)> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    let mut records = 0;
    while !rest.is_empty() {
        let (length, after) = rest.split_at(8);
        let size = u64::from_le_bytes(length.try_into().unwrap()) as usize;
        let (check, after) = after.split_at(4);
        let (message, after) = after.split_at(size);
        let (message_check, after) = after.split_at(4);
        assert_eq!(check, masked(length).to_le_bytes());
        assert_eq!(message_check, masked(message).to_le_bytes());
        rest = after;
        let event = fields(message);
        assert_eq!(event[&1].len(), 1, "a time");
        if records == 0 {
            assert_eq!(event[&3], [b"brain.Event:2".to_vec()]);
        } else {
            let step = u64::from_le_bytes(event[&2][0][..].try_into().unwrap());
            for value in fields(&event[&5][0]).remove(&1).unwrap() {
                let value = fields(&value);
                let tag = String::from_utf8(value[&1][0].clone()).unwrap();
                found.push((step, tag, f32::from_le_bytes(value[&2][0][..].try_into().unwrap())));
            }
        }
        records += 1;
    }
    found
}

/// The fields of a message by number: bytes as they are, numbers in eight or four of them.
fn fields(mut message: &[u8]) -> BTreeMap<u64, Vec<Vec<u8>>> {
    let mut found: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
    while !message.is_empty() {
        let key = variable(&mut message);
        let content = match key & 7 {
            0 => variable(&mut message).to_le_bytes().to_vec(),
            1 => take(&mut message, 8),
            2 => {
                let length = variable(&mut message) as usize;
                take(&mut message, length)
            }
            5 => take(&mut message, 4),
            other => panic!("wire type {other}"),
        };
        found.entry(key >> 3).or_default().push(content);
    }
    found
}

fn take(message: &mut &[u8], length: usize) -> Vec<u8> {
    let (content, rest) = message.split_at(length);
    *message = rest;
    content.to_vec()
}

fn variable(message: &mut &[u8]) -> u64 {
    let (mut x, mut shift) = (0, 0);
    loop {
        let byte = take(message, 1)[0];
        x |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return x;
        }
    }
}

/// The masked CRC-32C by a table.
fn masked(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256u32)
        .map(|i| (0..8).fold(i, |c, _| if c % 2 == 1 { 0x82f6_3b78 ^ (c / 2) } else { c / 2 }))
        .collect();
    let mut crc = u32::MAX;
    for byte in bytes {
        crc = table[(crc as u8 ^ byte) as usize] ^ (crc >> 8);
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}
