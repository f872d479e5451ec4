//! Intervals of shares.

use bridge::Share;
use tabular::random::Source;

#[test]
fn intervals_cover_the_mean_over_prompts_and_say_something() {
    let (mut covered, mut width) = (0, 0.0);
    for stream in 0..1000 {
        let source = &mut Source::new(43, stream);
        // Ten prompts with a share of their own, twenty rollouts each.
        let prompts: Vec<f64> = (0..10).map(|_| source.unit()).collect();
        let draw = |share: f64, source: &mut Source| f64::from(u8::from(source.unit() < share));
        let values: Vec<f64> =
            prompts.iter().flat_map(|&share| [share; 20]).map(|s| draw(s, source)).collect();
        let truth = prompts.iter().sum::<f64>() / 10.0;
        let found = Share::new(&values, 20, 0.99);
        covered += usize::from(found.lower <= truth && truth <= found.upper);
        width += (found.upper - found.lower) / 1000.0;
        assert_eq!(found.n, 200);
    }
    assert!(covered >= 985 && width < 0.3, "{covered} {width}");
}
