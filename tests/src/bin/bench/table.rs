//! The figures as they are printed.

use crate::floors::Floor;

/// Lines of name, value and verdict, in the order they were added.
#[derive(Default)]
pub struct Table {
    lines: Vec<[String; 3]>,
    missed: usize,
}

impl Table {
    /// Something that nothing can be faster than.
    pub fn floor(&mut self, name: &str, floor: &Floor) {
        let value = format!("{:.0} us", floor.p50_us);
        self.lines.push([
            format!("floor: {name}"),
            value,
            format!("p99 {:.0} us", floor.p99_us),
        ]);
    }

    /// A figure that has to be at most `target`.
    pub fn target(&mut self, name: &str, value: f64, unit: &str, target: f64) {
        let is_met = value <= target;
        self.missed += usize::from(!is_met);
        let verdict = if is_met { "met" } else { "MISSED" };
        self.lines.push([
            name.to_owned(),
            format!("{value:.2} {unit}"),
            format!("target {target} {unit}: {verdict}"),
        ]);
    }

    /// A figure without a target.
    pub fn note(&mut self, name: &str, value: &str) {
        self.lines
            .push([name.to_owned(), value.to_owned(), String::new()]);
    }

    /// Whether some target is missed.
    pub fn any_missed(&self) -> bool {
        self.missed > 0
    }

    /// Prints all lines.
    pub fn print(&self) {
        let width = |column: usize| {
            self.lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let (name_width, value_width) = (width(0), width(1));
        for [name, value, verdict] in &self.lines {
            println!("{name:name_width$}  {value:>value_width$}  {verdict}");
        }
    }
}
