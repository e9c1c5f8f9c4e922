//! Plots of a run, in SVG: narrow, with large text, to be read on a phone, too. Each has its own background, so that it
//! can be read on any page; it is dark if the reader prefers that. Colours are never the only distinction: their
//! lightness, a mark or a word differs, too.

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::samples::{Measured, OURS, Results, Series};
use crate::table::grouped;
use crate::tables::{largest, short};

const GROUND: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(222, 222, 218);
/// 16 pixels in the SVG, because plotters divides by 1.24, and 12 on a page that scales the picture down to 360 pixels.
const FONT: (&str, i32) = ("sans-serif", 20);
const WIDTH: i32 = 480;
const MARGIN: i32 = 12;
/// Where the bars start; the names are to the left.
const LEFT: i32 = 164;
/// Of the longest bar; its value is to the right.
const LENGTH: f64 = 262.0;
/// From the palette of Okabe and Ito (jfly.uni-koeln.de/color), which colour-blind people can tell apart.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// The colours that change on a dark page.
const DARK: [(RGBColor, &str); 4] = [(GROUND, "#0D1117"), (INK, "#F0F6FC"), (GRID, "#30363D"), (BLUE, "#56B4E9")];

/// Marks the lines of the peers.
const MARKS: [&str; 6] = ["●", "▲", "✕", "○", "■", "△"];

/// The name in docs/ of each plot, and the function that draws it.
pub const ALL: [(&str, Plot); 3] = [("memory.svg", memory), ("start.svg", start), ("reaping.svg", reaping)];

type Plot = fn(&Results) -> Result<String>;

/// What an instance costs the node, stacked.
fn memory(results: &Results) -> Result<String> {
    let n = largest(results, |of| &of.instances);
    let parts = [
        ("task and kernel stack: the same for every program", RGBColor(190, 190, 186)),
        ("page tables", RGBColor(0, 90, 150)),
        ("other memory of the kernel, from execve on", RGBColor(70, 150, 205)),
        ("the program's own", RGBColor(240, 170, 60)),
    ];
    let kib = |peer: &Measured| -> Option<[f64; 4]> {
        let kib = |series: &Series| Some(series.median()? / 1024.0);
        let (instance, pods) = (peer.samples.instances.get(&n)?, peer.samples.pods.get(&n)?);
        let program = kib(&instance.all_bytes)?;
        let (kernel, tables) = (kib(&instance.kernel_bytes)?, kib(&instance.page_tables_bytes)?);
        let all = kib(&pods.all_bytes)? / n as f64;
        Some([all - program, tables, kernel - tables, program - kernel])
    };
    let bars: Vec<(String, [f64; 4])> =
        results.peers.iter().filter_map(|peer| Some((peer.name.clone(), kib(peer)?))).collect();
    let most = bars.iter().map(|(_, kib)| kib.iter().sum::<f64>()).fold(0.0, f64::max);
    let bottom = 50 + 30 * bars.len() as i32;
    let at = |kib: f64| LEFT + (kib / most * LENGTH) as i32;
    draw(
        bottom + 26 + 26 * parts.len() as i32,
        &format!("Memory of one instance, KiB (of {})", grouped(n as u64)),
        |area| {
            for (row, (name, kib)) in bars.iter().enumerate() {
                let y = 50 + 30 * row as i32;
                label(area, name, (LEFT - 8, y + 11), HPos::Right)?;
                let mut sum = 0.0;
                for (part, (_, colour)) in kib.iter().zip(parts) {
                    let corners = [(at(sum), y), (at(sum + part), y + 22)];
                    area.draw(&Rectangle::new(corners, colour.filled()))?;
                    area.draw(&Rectangle::new(corners, GROUND.stroke_width(1)))?;
                    sum += part;
                }
                label(area, &short(sum), (at(sum) + 8, y + 11), HPos::Left)?;
            }
            for (row, (name, colour)) in parts.iter().enumerate() {
                let y = bottom + 14 + 26 * row as i32;
                area.draw(&Rectangle::new([(MARGIN, y), (MARGIN + 22, y + 16)], colour.filled()))?;
                label(area, name, (MARGIN + 32, y + 8), HPos::Left)?;
            }
            Ok(())
        },
    )
}

/// The time of a start, on a logarithmic axis: median, quartiles, and the range of 90 % of the samples.
fn start(results: &Results) -> Result<String> {
    let us =
        |peer: &Measured| Some(peer.samples.start_ns.quantiles([0.05, 0.25, 0.5, 0.75, 0.95])?.map(|ns| ns / 1000.0));
    let rows: Vec<(String, [f64; 5])> =
        results.peers.iter().filter_map(|peer| Some((peer.name.clone(), us(peer)?))).collect();
    let least = rows.iter().map(|(_, times)| times[0]).fold(f64::MAX, f64::min).max(1.0);
    let most = rows.iter().map(|(_, times)| times[4]).fold(least, f64::max);
    let ticks: Vec<f64> = (0..7).flat_map(|power| [1.0, 3.0].map(|tick| tick * f64::powi(10.0, power))).collect();
    let bottom = 50 + 30 * rows.len() as i32;
    let at = |us: f64| LEFT + ((us / least).ln() / (most / least).ln() * LENGTH) as i32;
    draw(bottom + 90, "Start: CPU time from execve until it sleeps, µs", |area| {
        for tick in ticks.into_iter().filter(|tick| (least..=most).contains(tick)) {
            area.draw(&PathElement::new([(at(tick), 44), (at(tick), bottom)], GRID))?;
            label(area, &short(tick), (at(tick), bottom + 14), HPos::Center)?;
        }
        for (row, (name, [low, lower, median, upper, high])) in rows.iter().enumerate() {
            let y = 50 + 30 * row as i32 + 11;
            let colour = if name == OURS { VERMILION } else { BLUE };
            label(area, name, (LEFT - 8, y), HPos::Right)?;
            area.draw(&PathElement::new([(at(*low), y), (at(*high), y)], colour.stroke_width(2)))?;
            area.draw(&Rectangle::new([(at(*lower), y - 7), (at(*upper), y + 7)], colour.mix(0.45).filled()))?;
            area.draw(&PathElement::new([(at(*median), y - 9), (at(*median), y + 9)], INK.stroke_width(2)))?;
            label(area, &short(*median), (at(*high) + 8, y), HPos::Left)?;
        }
        label(area, "bar: median; box: half of the samples;", (MARGIN, bottom + 48), HPos::Left)?;
        label(area, "line: 90 % of them; logarithmic scale", (MARGIN, bottom + 72), HPos::Left)
    })
}

/// CPU time of PID 1 against the size of a storm.
fn reaping(results: &Results) -> Result<String> {
    let most = largest(results, |of| &of.storms);
    let line = |peer: &Measured| -> Vec<(f64, f64)> {
        let storms = peer.samples.storms.iter();
        storms.filter_map(|(&n, storm)| Some((n as f64, storm.cpu_ns.median()?.max(1.0) / 1e6))).collect()
    };
    let mut lines: Vec<(String, Vec<(f64, f64)>)> =
        results.peers.iter().map(|peer| (peer.name.clone(), line(peer))).collect();
    lines.retain(|(_, line)| !line.is_empty());
    let values = || lines.iter().flat_map(|(_, line)| line.iter().map(|point| point.1));
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    draw(420, "CPU time of PID 1 for a storm of orphans, ms", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(44)
            .margin_right(168)
            .set_label_area_size(LabelAreaPosition::Left, 68)
            .set_label_area_size(LabelAreaPosition::Bottom, 54)
            .build_cartesian_2d((900.0..most as f64 * 1.1).log_scale(), (low / 2.0..high * 2.0).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .bold_line_style(GRID)
            .axis_style(INK)
            .label_style(FONT.into_font().color(&INK))
            .x_desc("orphans")
            .x_label_formatter(&|n| grouped(*n as u64))
            .y_label_formatter(&|ms| short(*ms))
            .draw()?;
        let mut labels: Vec<(i32, String)> = Vec::new();
        for (at, (name, line)) in lines.iter().enumerate() {
            let colour = if name == OURS { VERMILION } else { BLUE };
            let width = if name == OURS { 3 } else { 2 };
            chart.draw_series([PathElement::new(line.clone(), colour.stroke_width(width))])?;
            let mark = MARKS[at % MARKS.len()];
            let style = ("sans-serif", 16).into_font().color(&colour).pos(Pos::new(HPos::Center, VPos::Center));
            chart.draw_series(line.iter().map(|point| Text::new(mark, *point, style.clone())))?;
            labels.extend(line.last().map(|point| (chart.backend_coord(point).1, format!("{mark} {name}"))));
        }
        // Beside the last points, without overlapping.
        labels.sort();
        let mut free = 0;
        for (y, name) in labels {
            let y = y.max(free);
            label(area, &name, (WIDTH - 154, y), HPos::Left)?;
            free = y + 22;
        }
        Ok(())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A picture of that height, with a title.
fn draw(height: i32, title: &str, picture: impl FnOnce(&Area) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, height.try_into()?)).into_drawing_area();
        let all = || -> Drawn {
            area.fill(&GROUND)?;
            let style = FONT.into_font().style(FontStyle::Bold).color(&INK);
            area.draw(&Text::new(title.to_owned(), (MARGIN, 14), style))?;
            picture(&area)?;
            area.present()
        };
        all().map_err(|error| anyhow!("{error}")).context("the plot cannot be drawn")?;
    }
    let rules = DARK.map(|(RGBColor(r, g, b), dark)| {
        let light = format!("#{r:02X}{g:02X}{b:02X}");
        format!("[fill='{light}'] {{ fill: {dark} }} [stroke='{light}'] {{ stroke: {dark} }}\n")
    });
    let style = format!("<style>@media (prefers-color-scheme: dark) {{\n{}}}</style>", rules.concat());
    let svg = svg.replacen(">\n", &format!(" role=\"img\">\n<title>{title}</title>\n{style}\n"), 1);
    Ok(svg)
}

fn label(area: &Area, text: &str, at: (i32, i32), side: HPos) -> Drawn {
    let style = FONT.into_font().color(&INK).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))
}
