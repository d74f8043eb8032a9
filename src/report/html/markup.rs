//! The page as HTML. Charts become empty figures; their data follows at the end as JSON.

use super::chart::{Chart, Pairs};
use super::content::{Block, Cell, Choice, Image, Page, Table};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::fmt;

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

/// Text for an element's content or a quoted attribute, escaped.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            // HTML has no way to write the other control characters.
            c if c.is_control() && c != '\n' && c != '\t' => {
                write!(out, "{}", char::REPLACEMENT_CHARACTER)
            }
            c => write!(out, "{c}"),
        })
    }
}

impl Page {
    /// The text of the HTML file.
    pub fn html(&self) -> String {
        let (title, lead) = (Text(&self.title), Text(&self.lead));
        let (mut links, mut sections, mut drawings) = (String::new(), String::new(), Vec::new());
        for (index, section) in self.sections.iter().enumerate() {
            let title = Text(&section.title);
            links += &format!("<a href=\"#s{index}\">{title}</a> ");
            let content = blocks(&section.blocks, &mut drawings);
            sections +=
                &format!("<section id=\"s{index}\">\n<h2>{title}</h2>\n{content}</section>\n");
        }
        if self.sections.len() > 1 {
            links = format!("<nav aria-label=\"Sections\">{links}</nav>\n");
        } else {
            links.clear();
        }
        let data = serde_json::to_string(&drawings).unwrap_or_default();
        // Escaped, so that it cannot end the script element around it.
        let data = data.replace('<', "\\u003c").replace('>', "\\u003e");
        let data = data.replace('&', "\\u0026");
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{UPLOT_CSS}\n{REPORT_CSS}</style>\n</head>\n<body>\n\
             <header>\n<h1>{title}</h1>\n<p>{lead}</p>\n{links}</header>\n<main>\n{sections}</main>\n\
             <footer><noscript>The charts need JavaScript.</noscript>\
             <span class=\"keys\"></span></footer>\n\
             <script type=\"application/json\" id=\"drawings\">{data}</script>\n\
             <script>\n{UPLOT_JS}\n</script>\n<script>\n{REPORT_JS}</script>\n</body>\n</html>\n"
        )
    }
}

fn blocks<'a>(blocks: &'a [Block], drawings: &mut Vec<Drawing<'a>>) -> String {
    let block = |block: &'a Block| match block {
        Block::Text(text) => format!("<p>{}</p>\n", Text(text)),
        Block::Code(text) => format!("<pre><code>{}</code></pre>\n", Text(text)),
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => drawing(&chart.title, Drawing::Chart(chart), drawings),
        Block::Pairs(pairs) => drawing(&pairs.title, Drawing::Pairs(pairs), drawings),
        Block::Images(images) => self::images(images),
        Block::Choice(choice) => self::choice(choice, drawings),
    };
    blocks.iter().map(block).collect()
}

fn drawing<'a>(title: &str, drawing: Drawing<'a>, drawings: &mut Vec<Drawing<'a>>) -> String {
    let (number, title) = (drawings.len(), Text(title));
    drawings.push(drawing);
    format!(
        "<figure class=\"drawing\" data-drawing=\"{number}\">\
         <figcaption>{title}</figcaption></figure>\n"
    )
}

fn table(table: &Table) -> String {
    let heading = |column: &String| {
        let column = Text(column);
        format!("<th scope=\"col\"><button type=\"button\">{column}</button></th>")
    };
    let headings: String = table.columns.iter().map(heading).collect();
    let row = |row: &Vec<Cell>| {
        let cells = (0..table.columns.len()).map(|column| row.get(column).map(cell));
        let cells = cells.map(|cell| cell.unwrap_or_else(|| "<td></td>".to_owned()));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows: String = table.rows.iter().map(row).collect();
    let caption = Text(&table.caption);
    format!(
        "<div class=\"wide\"><table><caption>{caption}</caption>\n<thead><tr>{headings}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => format!("<td>{}</td>", Text(text)),
        number => {
            let number = number.written("–", [" <small>", " … ", "</small>"]);
            format!("<td class=\"number\">{number}</td>")
        }
    }
}

fn images(images: &[Image]) -> String {
    let figure = |image: &Image| {
        let (picture, caption) = (picture(image), Text(&image.caption));
        format!("<figure>{picture}<figcaption>{caption}</figcaption></figure>\n")
    };
    let figures: String = images.iter().map(figure).collect();
    format!("<div class=\"images\">\n{figures}</div>\n")
}

fn choice<'a>(choice: &'a Choice, drawings: &mut Vec<Drawing<'a>>) -> String {
    let (mut names, mut options) = (String::new(), String::new());
    for (index, (name, content)) in choice.options.iter().enumerate() {
        names += &format!("<option>{}</option>", Text(name));
        let hidden = if index == 0 { "" } else { " hidden" };
        let content = blocks(content, drawings);
        options += &format!("<div class=\"option\"{hidden}>\n{content}</div>\n");
    }
    format!(
        "<div class=\"choice\"><label>{} <select>{names}</select></label>\n{options}</div>\n",
        Text(&choice.label)
    )
}

fn picture(image: &Image) -> String {
    let caption = Text(&image.caption);
    let kind = image.media_type.strip_prefix("image/").unwrap_or("");
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if kind.is_empty() || !kind.chars().all(plain) {
        return format!("<span>{caption}</span>");
    }
    let data = BASE64_STANDARD.encode(&image.bytes);
    format!("<img alt=\"{caption}\" src=\"data:image/{kind};base64,{data}\">")
}
