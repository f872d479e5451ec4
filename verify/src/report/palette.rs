//! Colours that people with any colour vision can tell apart, on light and dark paper.
//!
//! Plots name colours by value; the stylesheet of the page replaces the neutral ones by variables
//! that follow the reader's light or dark setting (a rule beats an attribute in SVG).

use plotters::style::RGBColor;

/// Okabe and Ito's palette. Its yellow, too pale on white, gives way to the neutral last one,
/// which is drawn in the colour of text.
const FAMILIES: [RGBColor; 7] = [
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x00, 0x00, 0x00),
];

/// Text, axes and bounds.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

/// Tick labels.
pub const SOFT: RGBColor = RGBColor(0x59, 0x59, 0x59);

/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xE3, 0xE3, 0xE3);

/// The colour of the family with this number; after seven they begin again.
pub fn family(number: usize) -> RGBColor {
    FAMILIES[number % FAMILIES.len()]
}

/// A colour as SVG and CSS write it, in the spelling of the plotting library.
pub fn css(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}
