//! How a limited number of places is shared among holders whose number is unknown.
//!
//! Dynamic thresholds (Choudhury and Hahne, 1998): a holder gets another place while it has fewer than [`FACTOR`] times those
//! that are free. One holder alone gets `FACTOR / (FACTOR + 1)` of all places, several get equal parts of nearly all, and
//! a newcomer always finds one. Nothing has to be known about the others.

/// How many times the free places one holder may have: alone, it gets seven eighths of all.
pub const FACTOR: usize = 7;

/// Whether a holder that has `held` places gets another one while `free` are free.
#[must_use]
pub fn admits(held: usize, free: usize) -> bool {
    held < free.saturating_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of `holders` in turn takes as many places as it gets; how many each has in the end, and how many are free.
    fn filled(places: usize, holders: usize) -> (Vec<usize>, usize) {
        let (mut held, mut free) = (vec![0; holders], places);
        loop {
            let before = free;
            for held in &mut held {
                if admits(*held, free) {
                    *held += 1;
                    free -= 1;
                }
            }
            if free == before {
                return (held, free);
            }
        }
    }

    #[test]
    fn one_alone_gets_seven_eighths() {
        assert_eq!(filled(800, 1), (vec![700], 100));
        assert_eq!(filled(8, 1), (vec![7], 1));
        assert_eq!(filled(1, 1), (vec![1], 0));
    }

    #[test]
    fn several_get_equal_parts_and_a_newcomer_finds_a_place() {
        for holders in 1..50 {
            let (held, free) = filled(1000, holders);
            assert!(free > 0, "{holders} holders leave nothing");
            let (least, most) = (held.iter().min(), held.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{holders}: {held:?}");
            assert!(admits(0, free));
        }
    }

    /// The greedy holder came first: it gets nothing more until the others have as much.
    #[test]
    fn who_came_first_keeps_nobody_out() {
        let (mut first, mut free) = (0, 1000);
        while admits(first, free) {
            first += 1;
            free -= 1;
        }
        let mut second = 0;
        while admits(second, free) {
            second += 1;
            free -= 1;
        }
        assert!(second > 100 && free > 0 && !admits(first, free), "{first}, {second}, {free} free");
    }
}
