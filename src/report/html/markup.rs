//! The page as HTML. Charts become empty figures; their data follows at the end as JSON.

use super::chart::{Chart, Pairs};
use super::content::{Block, Cell, Choice, Image, Page, Section, Table};
use super::escape::{self, Text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::fmt::{self, Write};

const UPLOT_JS: &str = include_str!("../../../static/report/uplot.min.js");
const UPLOT_CSS: &str = include_str!("../../../static/report/uplot.min.css");
const REPORT_JS: &str = include_str!("../../../static/report/report.js");
const REPORT_CSS: &str = include_str!("../../../static/report/report.css");

/// Forbids all requests, whatever the page's content.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A drawing of the script, referenced by the number in its figure.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Drawing<'a> {
    Chart(&'a Chart),
    Pairs(&'a Pairs),
}

struct Writer<'a> {
    out: String,
    drawings: Vec<Drawing<'a>>,
}

impl Page {
    /// The text of the HTML file.
    pub fn html(&self) -> String {
        let mut writer = Writer {
            out: String::new(),
            drawings: Vec::new(),
        };
        // Writing to a string cannot fail.
        let _ = writer.page(self);
        writer.out
    }
}

impl<'a> Writer<'a> {
    fn page(&mut self, page: &'a Page) -> fmt::Result {
        let title = Text(&page.title);
        write!(
            self.out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{UPLOT_CSS}\n{REPORT_CSS}</style>\n</head>\n<body>\n\
             <header>\n<h1>{title}</h1>\n<p>{}</p>\n",
            Text(&page.lead)
        )?;
        self.contents(&page.sections)?;
        self.out.push_str("</header>\n<main>\n");
        for (index, section) in page.sections.iter().enumerate() {
            self.section(index, section)?;
        }
        self.out.push_str(
            "</main>\n<footer><noscript>The charts need JavaScript.</noscript>\
             <span class=\"keys\"></span></footer>\n",
        );
        let data = serde_json::to_string(&self.drawings).unwrap_or_default();
        write!(
            self.out,
            "<script type=\"application/json\" id=\"drawings\">{}</script>\n\
             <script>\n{UPLOT_JS}\n</script>\n<script>\n{REPORT_JS}</script>\n</body>\n</html>\n",
            escape::json(&data)
        )
    }

    fn contents(&mut self, sections: &[Section]) -> fmt::Result {
        if sections.len() < 2 {
            return Ok(());
        }
        self.out.push_str("<nav aria-label=\"Sections\">");
        for (index, section) in sections.iter().enumerate() {
            let title = Text(&section.title);
            write!(self.out, "<a href=\"#s{index}\">{title}</a> ")?;
        }
        self.out.push_str("</nav>\n");
        Ok(())
    }

    fn section(&mut self, index: usize, section: &'a Section) -> fmt::Result {
        let title = Text(&section.title);
        writeln!(self.out, "<section id=\"s{index}\">\n<h2>{title}</h2>")?;
        self.blocks(&section.blocks)?;
        self.out.push_str("</section>\n");
        Ok(())
    }

    fn blocks(&mut self, blocks: &'a [Block]) -> fmt::Result {
        blocks.iter().try_for_each(|block| self.block(block))
    }

    fn block(&mut self, block: &'a Block) -> fmt::Result {
        match block {
            Block::Text(text) => writeln!(self.out, "<p>{}</p>", Text(text)),
            Block::Code(text) => writeln!(self.out, "<pre><code>{}</code></pre>", Text(text)),
            Block::Table(table) => self.table(table),
            Block::Chart(chart) => self.drawing(&chart.title, Drawing::Chart(chart)),
            Block::Pairs(pairs) => self.drawing(&pairs.title, Drawing::Pairs(pairs)),
            Block::Images(images) => self.images(images),
            Block::Slider(left, right) => self.slider(left, right),
            Block::Choice(choice) => self.choice(choice),
        }
    }

    fn drawing(&mut self, title: &str, drawing: Drawing<'a>) -> fmt::Result {
        let number = self.drawings.len();
        self.drawings.push(drawing);
        let title = Text(title);
        writeln!(
            self.out,
            "<figure class=\"drawing\" data-drawing=\"{number}\">\
             <figcaption>{title}</figcaption></figure>"
        )
    }

    fn table(&mut self, table: &Table) -> fmt::Result {
        let caption = Text(&table.caption);
        write!(
            self.out,
            "<div class=\"wide\"><table><caption>{caption}</caption>\n<thead><tr>"
        )?;
        for column in &table.columns {
            write!(
                self.out,
                "<th scope=\"col\"><button type=\"button\">{}</button></th>",
                Text(column)
            )?;
        }
        self.out.push_str("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            self.out.push_str("<tr>");
            for column in 0..table.columns.len() {
                cell(&mut self.out, row.get(column))?;
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody></table></div>\n");
        Ok(())
    }

    fn images(&mut self, images: &[Image]) -> fmt::Result {
        self.out.push_str("<div class=\"images\">\n");
        for image in images {
            self.out.push_str("<figure>");
            picture(&mut self.out, image, "")?;
            let caption = Text(&image.caption);
            writeln!(self.out, "<figcaption>{caption}</figcaption></figure>")?;
        }
        self.out.push_str("</div>\n");
        Ok(())
    }

    fn slider(&mut self, left: &Image, right: &Image) -> fmt::Result {
        let names = (Text(&left.caption), Text(&right.caption));
        self.out.push_str("<figure class=\"slider\"><div>");
        picture(&mut self.out, right, "")?;
        picture(&mut self.out, left, " class=\"front\"")?;
        writeln!(
            self.out,
            "</div><input type=\"range\" min=\"0\" max=\"100\" value=\"50\" \
             aria-label=\"{0} on the left, {1} on the right\">\
             <figcaption><span>{0}</span><span>{1}</span></figcaption></figure>",
            names.0, names.1
        )
    }

    fn choice(&mut self, choice: &'a Choice) -> fmt::Result {
        let label = Text(&choice.label);
        write!(self.out, "<div class=\"choice\"><label>{label} <select>")?;
        for (name, _) in &choice.options {
            write!(self.out, "<option>{}</option>", Text(name))?;
        }
        self.out.push_str("</select></label>\n");
        for (index, (_, blocks)) in choice.options.iter().enumerate() {
            let hidden = if index == 0 { "" } else { " hidden" };
            writeln!(self.out, "<div class=\"option\"{hidden}>")?;
            self.blocks(blocks)?;
            self.out.push_str("</div>\n");
        }
        self.out.push_str("</div>\n");
        Ok(())
    }
}

fn cell(out: &mut String, cell: Option<&Cell>) -> fmt::Result {
    match cell {
        None => write!(out, "<td></td>"),
        Some(Cell::Text(text)) => write!(out, "<td>{}</td>", Text(text)),
        Some(Cell::Number(value, digits)) if value.is_finite() => {
            write!(out, "<td class=\"number\">{value:.digits$}</td>")
        }
        Some(Cell::Number(..)) => write!(out, "<td class=\"number\">–</td>"),
        Some(&Cell::Interval {
            value,
            low,
            high,
            digits,
        }) if value.is_finite() => write!(
            out,
            "<td class=\"number\">{value:.digits$} <small>{low:.digits$} … {high:.digits$}</small></td>"
        ),
        Some(Cell::Interval { .. }) => write!(out, "<td class=\"number\">–</td>"),
    }
}

fn picture(out: &mut String, image: &Image, class: &str) -> fmt::Result {
    let kind = image.media_type.strip_prefix("image/").unwrap_or("");
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if kind.is_empty() || !kind.chars().all(plain) {
        return write!(out, "<span>{}</span>", Text(&image.caption));
    }
    write!(
        out,
        "<img{class} alt=\"{}\" src=\"data:image/{kind};base64,{}\">",
        Text(&image.caption),
        BASE64_STANDARD.encode(&image.bytes)
    )
}
