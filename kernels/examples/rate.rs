//! How fast products of the shapes of a small language model are computed:
//! `cargo run --release -p bellman-kernels --example rate`, in 10⁹ operations a second.

use kernels::{Effect, Matrix, Precision, multiply};
use std::time::Instant;

fn main() {
    // Rows, k, columns; whether each operand lies by rows.
    let shapes = [
        ("forward, attention", (2048, 576, 576), (true, false)),
        ("forward, keys", (2048, 576, 192), (true, false)),
        ("forward, up", (2048, 576, 1536), (true, false)),
        ("forward, down", (2048, 1536, 576), (true, false)),
        ("backward to inputs, up", (2048, 1536, 576), (true, true)),
        ("backward to weights, up", (1536, 2048, 576), (false, true)),
        ("backward to weights, down", (576, 2048, 1536), (false, true)),
        ("logits", (256, 576, 49152), (true, false)),
        ("head to inputs", (256, 49152, 576), (true, true)),
        ("head to weights", (49152, 256, 576), (false, true)),
        ("attention scores", (384, 64, 256), (true, false)),
        ("generation, up", (16, 576, 1536), (true, false)),
        ("generation, logits", (16, 576, 49152), (true, false)),
        ("square", (2048, 2048, 2048), (true, true)),
    ];
    println!("| what | m, k, n | f32 | bf16 |\n|---|---|---|---|");
    for (what, (m, k, n), by_rows) in shapes {
        let random = |count: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.5).collect()
        };
        let (a, b, mut out) = (random(m * k), random(k * n), vec![0.0; m * n]);
        let of = |x, (rows, columns), by_rows| {
            let matrix =
                Matrix::by_rows(x, if by_rows { (rows, columns) } else { (columns, rows) });
            // The slices were made for these shapes.
            let matrix = matrix.expect("a matrix");
            if by_rows { matrix } else { matrix.transposed() }
        };
        let rate = |precision, out: &mut [f32]| {
            let mut best = f64::INFINITY;
            let rounds = (40_000_000_000 / (2 * m * k * n)).clamp(3, 200);
            for _ in 0..rounds {
                let start = Instant::now();
                multiply(
                    of(&a, (m, k), by_rows.0),
                    of(&b, (k, n), by_rows.1),
                    out,
                    Effect::Replace,
                    precision,
                );
                best = best.min(start.elapsed().as_secs_f64());
            }
            2e-9 * (m * k * n) as f64 / best
        };
        let (f32, bf16) = (rate(Precision::F32, &mut out), rate(Precision::Bf16, &mut out));
        println!("| {what} | {m}, {k}, {n} | {f32:.0} | {bf16:.0} |");
    }
}
