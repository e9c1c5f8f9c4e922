//! Quantiles of samples.

/// Returns the median; None without samples.
pub fn median(samples: &[u64]) -> Option<u64> {
    quantiles(samples, [0.5]).map(|[median]| median)
}

/// Returns the samples at these fractions of their order; None without samples.
pub fn quantiles<const N: usize>(samples: &[u64], parts: [f64; N]) -> Option<[u64; N]> {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    let last = samples.len().checked_sub(1)?;
    // Rounds outwards: with few samples, a range that is too wide is better than one that is too narrow.
    let at = |part: f64| match last as f64 * part {
        at if part < 0.5 => at.floor(),
        at if part > 0.5 => at.ceil(),
        at => at.round(),
    };
    Some(parts.map(|part| samples[at(part) as usize]))
}
