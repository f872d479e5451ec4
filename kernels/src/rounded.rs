//! f32 to bf16.

/// The bits of the bf16 next to a number: ties to even, numbers below 2⁻¹²⁶ to zero, as the
/// instructions of the processor have it.
#[inline(always)]
pub fn bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    if x.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    if bits & 0x7f80_0000 == 0 {
        return sign;
    }
    // Carries into the exponent, and from the largest numbers to infinity, as it should.
    let tie = (bits >> 16) & 1;
    ((bits + 0x7fff + tie) >> 16) as u16
}

/// The number that a bf16 is.
#[inline(always)]
pub(crate) fn wide(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Two of them in a cell, the first in the lower half.
#[inline(always)]
pub(crate) fn pair(first: f32, second: f32) -> u32 {
    u32::from(bf16(first)) | u32::from(bf16(second)) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_to_the_nearest_and_ties_to_even() {
        assert_eq!(wide(bf16(1.0)), 1.0);
        let ulp = 2f32.powi(-7);
        assert_eq!(wide(bf16(1.0 + 0.4 * ulp)), 1.0);
        assert_eq!(wide(bf16(1.0 + 0.5 * ulp)), 1.0);
        assert_eq!(wide(bf16(1.0 + 1.5 * ulp)), 1.0 + 2.0 * ulp);
        assert_eq!(wide(bf16(-1.0 - 0.6 * ulp)), -1.0 - ulp);
        assert_eq!(wide(bf16(2.0 - 0.25 * ulp)), 2.0);
        assert_eq!(wide(bf16(f32::MAX)), f32::INFINITY);
        assert_eq!(wide(bf16(f32::NEG_INFINITY)), f32::NEG_INFINITY);
        assert_eq!(bf16(-1e-39), 0x8000);
        assert!(wide(bf16(f32::NAN)).is_nan());
    }
}
